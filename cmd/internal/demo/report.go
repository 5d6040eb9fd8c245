package demo

import (
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/afterput/afterput/pipeline"
)

// Report is what the demo prints. Holds says that everything adds up.
type Report struct {
	// Announced counts the lines of sent.jsonl.
	Announced int  `json:"announced"`
	Done      int  `json:"done"`
	Rejected  int  `json:"rejected"`
	Dead      int  `json:"dead"`
	Discarded int  `json:"discarded"`
	InFlight  int  `json:"inFlight"`
	Holds     bool `json:"holds"`
	// Problems names every row, entry and object that does not add up.
	Problems   []string      `json:"problems"`
	Orders     []OrderReport `json:"orders"`
	Rejections []Rejection   `json:"rejections"`
	// Unreadable are requests that were refused whole, with the status of the answer.
	Unreadable map[string]int `json:"unreadable,omitempty"`
	Thumbnails int            `json:"thumbnails"`
	CachedURLs []string       `json:"cachedURLs"`
	Webhooks   int            `json:"webhooks"`
	// Duplicates counts the announcements that were absorbed.
	Duplicates int `json:"duplicates"`
	// Retries counts the attempts that failed and were made again.
	Retries int `json:"retries"`
	// Letter is the dead letter that was shown and replayed.
	Letter *LetterReport `json:"letter,omitempty"`
	// Disturbed counts the events that were doubled, swapped and lost.
	Disturbed map[string]int `json:"disturbed,omitempty"`
	Seconds   float64        `json:"seconds"`
	Dir       string         `json:"dir"`
}

// OrderReport is one order: what the user chose and what the shop's table holds.
type OrderReport struct {
	ID     string   `json:"id"`
	Chosen []string `json:"chosen"`
	Images []string `json:"images"`
}

// Rejection is one file that was refused.
type Rejection struct {
	Key  string        `json:"key"`
	Code pipeline.Code `json:"code"`
	// Door says that it was refused when it was announced.
	Door bool `json:"door,omitempty"`
}

// LetterReport is the story of the dead letter.
type LetterReport struct {
	ID    int64          `json:"id"`
	Step  pipeline.Step  `json:"step"`
	Class pipeline.Class `json:"class"`
	Error string         `json:"error"`
	// State is where it stands at the end: resolved.
	State pipeline.LetterState `json:"state"`
	// WaitingFor is the budget of class waiting, which is 24h unless it is shortened.
	WaitingFor string `json:"waitingFor"`
}

// settle decides whether the report holds.
func (r *Report) settle() {
	if sum := r.Done + r.Rejected + r.Dead + r.Discarded; sum != r.Announced || r.InFlight != 0 {
		r.Problems = append(r.Problems, fmt.Sprintf("sent %d != done %d + rejected %d + dead %d + discarded %d, %d in flight",
			r.Announced, r.Done, r.Rejected, r.Dead, r.Discarded, r.InFlight))
	}
	r.Holds = len(r.Problems) == 0
	if r.Problems == nil {
		r.Problems = []string{}
	}
}

// Print writes the report for people. escape makes names fit for a terminal.
func (r *Report) Print(w io.Writer, escape func(string) string) error {
	var b strings.Builder
	b.WriteString("ORDERS\n")
	for _, o := range r.Orders {
		mark := "as chosen"
		if strings.Join(o.Chosen, "\n") != strings.Join(o.Images, "\n") {
			mark = "NOT as chosen"
		}
		fmt.Fprintf(&b, "  %-10s %2d of %2d  %-13s %s\n", o.ID, len(o.Images), len(o.Chosen), mark, names(o.Images))
		if mark != "as chosen" {
			fmt.Fprintf(&b, "  %-10s %s\n", "  chosen", names(o.Chosen))
		}
	}
	b.WriteString("\nREJECTED\n")
	for _, x := range r.Rejections {
		where := "by its content"
		if x.Door {
			where = "at the door"
		}
		fmt.Fprintf(&b, "  %-19s %-14s %s\n", x.Code, where, escape(short(x.Key)))
	}
	for name, status := range r.Unreadable {
		fmt.Fprintf(&b, "  HTTP %-14d %-14s %s\n", status, "at the door", name)
	}
	if l := r.Letter; l != nil {
		fmt.Fprintf(&b, "\nDEAD LETTER\n  letter %d: %s, %s (the budget of class waiting was shortened to %s)\n  %s\n  the order was created, the letter replayed: %s\n",
			l.ID, l.Step, l.Class, l.WaitingFor, escape(l.Error), l.State)
	}
	fmt.Fprintf(&b, "\nCOUNTED  %d thumbnails, %d cached URLs, %d webhooks, %d duplicates absorbed, %d retries, %.1f s\n",
		r.Thumbnails, len(r.CachedURLs), r.Webhooks, r.Duplicates, r.Retries, r.Seconds)
	if len(r.Disturbed) > 0 {
		fmt.Fprintf(&b, "EVENTS   %d doubled, %d out of order, %d lost\n",
			r.Disturbed["event-double"], r.Disturbed["event-reorder"], r.Disturbed["event-lose"])
	}
	fmt.Fprintf(&b, "SENT     %d = %d done + %d rejected + %d dead + %d discarded, %d in flight\n",
		r.Announced, r.Done, r.Rejected, r.Dead, r.Discarded, r.InFlight)
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "PROBLEM  %s\n", escape(p))
	}
	if r.Holds {
		b.WriteString("It holds: nothing lost, every order as chosen.\n")
	} else {
		b.WriteString("It does NOT hold.\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func names(ids []string) string {
	out := make([]string, 0, len(ids))
	for _, id := range ids {
		out = append(out, path.Base(id))
	}
	return strings.Join(out, " ")
}

func short(s string) string {
	if len(s) > 70 {
		return s[:60] + "…" + s[len(s)-8:]
	}
	return s
}
