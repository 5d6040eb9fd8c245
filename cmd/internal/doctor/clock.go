package doctor

import (
	"fmt"
	"time"
)

const (
	// skewWarn is the difference of two clocks that is worth a word. A worker refuses to
	// start above worker.MaxSkew.
	skewWarn = 2 * time.Second
	// looks is how often a clock is read: the quickest answer tells most.
	looks = 3
)

// apart gives how far our clock is ahead of another one, as far as the time that the answer
// took does not explain it.
func apart(now func() time.Time, ask func() (time.Time, error)) (time.Duration, error) {
	var skew, best time.Duration
	for i := range looks {
		before := now()
		theirs, err := ask()
		if err != nil {
			return 0, err
		}
		took := now().Sub(before)
		if i > 0 && took >= best {
			continue
		}
		best, skew = took, before.Add(took/2).Sub(theirs)
	}
	if skew.Abs() <= best/2 {
		return 0, nil
	}
	return skew, nil
}

// clocks tells of a difference that fails above limit; 0 never fails.
func clocks(skew, limit time.Duration, whose string) Finding {
	what := fmt.Sprintf("the clock of this machine is %s %s that of %s", skew.Abs().Round(time.Millisecond), direction(skew), whose)
	const mend = "set the wrong one, by NTP for example: timedatectl set-ntp true"
	switch {
	case limit > 0 && skew.Abs() > limit:
		return Finding{Fail, what + fmt.Sprintf(", and workers start only within %s", limit), mend}
	case skew.Abs() > skewWarn:
		return Finding{Warn, what, mend}
	}
	return Finding{Level: OK, What: "the clock of " + whose + " agrees with ours"}
}

func direction(skew time.Duration) string {
	if skew < 0 {
		return "behind"
	}
	return "ahead of"
}
