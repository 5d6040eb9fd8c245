// Package tools holds what developing and releasing afterput needs and its users do not:
// programs for the Makefile, and tests that hold the rules of the repository itself.
// Nothing imports it.
package tools
