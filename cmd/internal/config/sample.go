package config

import _ "embed"

//go:embed sample.yaml
var sample string

// Sample is a commented afterput.yaml with every key at its default, for config init.
func Sample() string { return sample }
