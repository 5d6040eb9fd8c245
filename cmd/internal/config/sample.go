package config

import "github.com/afterput/afterput/deploy"

// Sample is a commented afterput.yaml with every key at its default, for config init.
func Sample() string { return deploy.Config }
