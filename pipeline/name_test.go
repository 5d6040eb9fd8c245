package pipeline_test

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

func TestCheckName(t *testing.T) {
	t.Parallel()
	han := strings.Repeat("图", 94) // nine bytes each when encoded: 846
	for _, tt := range []struct {
		name, in string
		want     pipeline.NameRule
	}{
		{name: "plain", in: "users/o1/2026/1.jpg"},
		{name: "Chinese, blanks and quotes", in: "users/o1/订单 1/\"图\".jpg"},
		{name: "dots inside names", in: "a..b/.hidden/c...jpg"},
		{name: "percent signs", in: "a%2Fb%00.jpg"},
		{name: "a folder", in: "users/o1/"},
		{name: "850 bytes", in: strings.Repeat("a", 850)},
		{name: "850 bytes when encoded", in: han + "abcd"},
		{name: "slashes count once", in: strings.Repeat("a/", 424) + "ab"},
		{name: "851 bytes", in: strings.Repeat("a", 851), want: pipeline.RuleTooLong},
		{name: "851 bytes when encoded", in: han + "abcde", want: pipeline.RuleTooLong},
		{name: "900 bytes", in: strings.Repeat("a", 900), want: pipeline.RuleTooLong},
		{name: "empty", in: "", want: pipeline.RuleEmpty},
		{name: "not UTF-8", in: "a\xff.jpg", want: pipeline.RuleUTF8},
		{name: "half a character", in: "图"[:2], want: pipeline.RuleUTF8},
		{name: "leading slash", in: "/a.jpg", want: pipeline.RuleLeadingSlash},
		{name: "only a slash", in: "/", want: pipeline.RuleLeadingSlash},
		{name: "double slash", in: "a//b.jpg", want: pipeline.RuleDoubleSlash},
		{name: "double slash at the end", in: "a//", want: pipeline.RuleDoubleSlash},
		{name: "climbs", in: "a/../b.jpg", want: pipeline.RuleDotSegment},
		{name: "begins with ..", in: "../a.jpg", want: pipeline.RuleDotSegment},
		{name: "ends with ..", in: "a/..", want: pipeline.RuleDotSegment},
		{name: "single dot", in: "a/./b.jpg", want: pipeline.RuleDotSegment},
		{name: "NUL", in: "a\x00.jpg", want: pipeline.RuleControl},
		{name: "newline", in: "a\n.jpg", want: pipeline.RuleControl},
		{name: "SUB", in: "a\x1a.jpg", want: pipeline.RuleControl},
		{name: "DEL", in: "a\x7f.jpg", want: pipeline.RuleControl},
		{name: "C1", in: "a\u0085.jpg", want: pipeline.RuleControl},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := pipeline.CheckName(tt.in)
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, string(tt.want))
			require.Equal(t, pipeline.CodeInvalidFileName, pipeline.CodeOf(err))
			require.Equal(t, pipeline.Invalid, pipeline.ClassOf(err))
			require.True(t, utf8.ValidString(err.Error()))
			require.NotContains(t, err.Error(), "\x00")
		})
	}
}

func FuzzCheckName(f *testing.F) {
	for _, s := range []string{"a", "/a", "a//b", "..", "a\x00", "图/图.jpg", "\xff", strings.Repeat("a", 851), "a b+c=d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if err := pipeline.CheckName(s); err != nil {
			require.Equal(t, pipeline.CodeInvalidFileName, pipeline.CodeOf(err))
			return
		}
		require.True(t, utf8.ValidString(s))
		require.NotContains(t, s, "\x00")
		u := url.URL{Scheme: "https", Host: "h", Path: "/" + s}
		require.Equal(t, "/"+s, u.JoinPath().Path, "a good name is the same path after cleaning")
		back, err := url.PathUnescape(u.EscapedPath())
		require.NoError(t, err)
		require.Equal(t, "/"+s, back)
	})
}

func TestOwnerOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, want string }{
		{name: "owner", in: "users/o1/1.jpg", want: "o1"},
		{name: "deep", in: "users/o1/2026/10/1.jpg", want: "o1"},
		{name: "another folder", in: "temp/1.jpg"},
		{name: "no file", in: "users/o1"},
		{name: "folder only", in: "users/o1/"},
		{name: "empty owner", in: "users//1.jpg"},
		{name: "users deeper down", in: "a/users/o1/1.jpg"},
		{name: "capitals are another folder", in: "Users/o1/1.jpg"},
		{name: "empty", in: ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, pipeline.OwnerOf(tt.in))
		})
	}
}
