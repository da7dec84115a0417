package view

import "net/url"

func escapeQuery(text string) string { return url.QueryEscape(text) }
