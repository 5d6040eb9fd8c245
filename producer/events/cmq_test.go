package events_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/producer/events"
)

// message is a record of a topic, of the form of tencentyun/scf-go-lib's test data.
func message(body, tag string) string {
	return fmt.Sprintf(`{"CMQ":{"msgBody":%q,"msgId":"40904","msgTag":%s,"publishTime":"2019-08-16T10:48:49Z","requestId":"7",
 "subscriptionName":"s","topicName":"t","topicOwner":123456,"type":"topic"}}`, body, tag)
}

func TestDecodeMessages(t *testing.T) {
	t.Parallel()
	two := `{"Records":[` + cosRecord + `,` + strings.Replace(cosRecord, "ObjectCreated:Put", "ObjectRemove:Delete", 1) + `]}`
	body := `{"Records":[` + message(two, `"a, b"`) + `,` + message(cosRecord, `["a","b"]`) + `,` + cosRecord + `]}`
	got, err := events.DecodeCOS([]byte(body))
	require.NoError(t, err)
	require.Len(t, got, 4)
	for i, e := range got {
		require.Equal(t, []string{"users/oX/1.jpg"}, e.Keys)
		require.Equal(t, i == 1, e.Removed)
		require.Equal(t, i != 1, e.Created)
	}
}

func TestDecodeMessagesUnreadable(t *testing.T) {
	t.Parallel()
	for name, record := range map[string]string{
		"text":                   message("hello", `""`),
		"empty":                  message("", `""`),
		"another JSON":           message(`{"a":1}`, `""`),
		"a list":                 message(`[]`, `""`),
		"a message in a message": message(`{"Records":[`+message(cosRecord, `""`)+`]}`, `""`),
		"no string":              `{"CMQ":{"msgBody":` + cosRecord + `}}`,
		"no body":                `{"CMQ":{}}`,
		"a depth bomb":           message(strings.Repeat("[", 1000), `""`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := events.DecodeCOS([]byte(`{"Records":[` + record + `,` + cosRecord + `]}`))
			require.NoError(t, err)
			require.Len(t, got, 2)
			require.True(t, got[0].Unreadable)
			require.JSONEq(t, record, string(got[0].Raw), "the whole message is kept")
			require.True(t, got[1].Created, "one does not take the others with it")
		})
	}
	many := message(`{"Records":[`+strings.Repeat("{},", 600)+`{}]}`, `""`)
	_, err := events.DecodeCOS([]byte(`{"Records":[` + many + `,` + many + `]}`))
	require.Equal(t, events.CodeTooManyRecords, pipeline.CodeOf(err))
}

func FuzzDecodeMessage(f *testing.F) {
	for _, seed := range []string{cosRecord, `{"Records":[` + cosRecord + `]}`, `{"Records":[{"CMQ":{"msgBody":"{}"}}]}`, `[]`, `"`, ``} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := events.DecodeCOS([]byte(`{"Records":[` + message(text, `""`) + `]}`))
		requireEvents(t, got, err)
	})
}
