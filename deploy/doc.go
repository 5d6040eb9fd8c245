// Package deploy holds the files of this folder that the binary carries with it.
package deploy

import _ "embed"

// Config is a commented afterput.yaml with every key at its default.
//
//go:embed afterput.yaml
var Config string

// ConfigPage is the page that documents every key in tables of key, default and meaning.
//
//go:embed docs/configuration.md
var ConfigPage string
