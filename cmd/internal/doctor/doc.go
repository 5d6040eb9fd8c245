// Package doctor checks the surroundings of afterput: what no configuration file can say
// to be right. One check is one file. A check is given what it looks at, changes nothing,
// and tells what it found and how to mend it.
package doctor
