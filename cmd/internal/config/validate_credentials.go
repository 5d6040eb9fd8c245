package config

import (
	"regexp"
	"time"
)

var (
	variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	// inArguments are words in an argument after which a secret follows.
	inArguments = regexp.MustCompile(`(?i)(secret|token|password|passwd)[a-z_-]*=.`)
)

// credentials checks where the keys of a bucket come from.
func (v *validator) credentials(at string, b Bucket) {
	c := b.Credentials
	if b.Expiration != "" {
		if _, err := time.Parse(time.RFC3339, b.Expiration); err != nil {
			v.add(at+".expiration", "write it as 2026-11-21T18:00:00Z", "is %q, which is no time", b.Expiration)
		}
	}
	switch {
	case len(c.Command) == 0:
		if len(c.Env) > 0 {
			v.add(at+".credentials.env", "set credentials.command too, or remove it", "is set without a command")
		}
		return
	case c.Command[0] == "":
		v.add(at+".credentials.command", "write [program, argument, ...]", "names no program")
	case b.SecretID != "" || b.SessionToken != "" || b.Expiration != "":
		v.add(at+".credentials.command", "keep one of them", "is set, and so are secretId, sessionToken or expiration")
	case v.cfg.Sign.STS.Enabled && b.Sign.SecretID == "":
		v.add(at+".credentials.command", "set sign.secretId and sign.secretKey to a permanent key pair",
			"gives temporary keys, which cannot ask for others, and sign.sts.enabled is true")
	}
	for _, argument := range c.Command {
		if inArguments.MatchString(argument) {
			v.add(at+".credentials.command", "hand secrets over in a file, or in a variable that credentials.env names",
				"has an argument with a secret, which every user of the machine can see")
		}
	}
	for _, name := range c.Env {
		if !variable.MatchString(name) {
			v.add(at+".credentials.env", "write names of variables, not values", "has a name that no variable has")
		}
	}
	if c.Timeout < 0 || c.Timeout > time.Minute {
		v.add(at+".credentials.timeout", "write at most 1m", "is %s", c.Timeout)
	}
	if c.Margin < 0 || c.Margin > 6*time.Hour {
		v.add(at+".credentials.margin", "write at most 6h", "is %s", c.Margin)
	}
}

// ExpiresAt is Expiration as a time; zero where it is not known.
func (b Bucket) ExpiresAt() time.Time {
	at, _ := time.Parse(time.RFC3339, b.Expiration)
	return at
}
