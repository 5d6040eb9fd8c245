package orders

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// parseArray reads the text of an images column. Blank text and JSON null are an empty
// array. Everything that could not be written back as it was is refused.
func parseArray(raw string) ([]string, error) {
	if strings.TrimSpace(raw) == "" {
		return nil, nil
	}
	if !utf8.ValidString(raw) {
		return nil, fmt.Errorf("the value is not valid UTF-8")
	}
	var items []json.RawMessage
	if err := json.Unmarshal([]byte(raw), &items); err != nil {
		return nil, fmt.Errorf("want a JSON array of strings, found %s", excerpt(raw))
	}
	images := make([]string, len(items))
	for i, item := range items {
		if len(item) == 0 || item[0] != '"' {
			return nil, fmt.Errorf("want a JSON array of strings, but entry %d is %s", i, excerpt(string(item)))
		}
		if err := json.Unmarshal(item, &images[i]); err != nil {
			return nil, fmt.Errorf("entry %d: %w", i, err)
		}
		// The decoder turns a lone surrogate into U+FFFD; writing that back would damage
		// what the business wrote.
		if strings.ContainsRune(images[i], utf8.RuneError) && !bytes.ContainsRune(item, utf8.RuneError) {
			return nil, fmt.Errorf("entry %d has a broken \\u escape", i)
		}
	}
	return images, nil
}

// formatArray writes the array as JSON without HTML escapes, so that a fileID with an
// ampersand can be found by its text.
func formatArray(images []string) (string, error) {
	for i, s := range images {
		if !utf8.ValidString(s) {
			return "", fmt.Errorf("entry %d is not valid UTF-8", i)
		}
	}
	if images == nil {
		images = []string{}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(images); err != nil {
		return "", err
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// excerpt quotes the beginning of a value.
func excerpt(s string) string {
	const most = 40
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most]) + "…"
	}
	return fmt.Sprintf("%q", s)
}
