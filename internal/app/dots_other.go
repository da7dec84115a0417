//go:build !linux

package app

// openDots notes nothing: the machine does not say which boot this is.
func openDots(string) (*dots, error) { return &dots{}, nil }
