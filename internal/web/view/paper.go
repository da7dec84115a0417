package view

import (
	"regexp"
	"strconv"
	"strings"
)

// colourSet finds where HTML, as email.Sanitise writes it, sets a colour: the
// attribute or property, and the value.
var colourSet = regexp.MustCompile(`(?i)[\s";](bgcolor|color|background|background-color)(?:="|\s*:\s*)([^";]*)`)

var rgb = regexp.MustCompile(`^rgba?\(\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)[\s,/]*(?:1|1\.0+|100%)?\s*\)$`)

// anyPaper reports whether a mail can be written on dark paper as well as on
// white: it sets no colours, or only those of ink on white paper, as many
// programs do in every paragraph. A mail whose words say such things is taken
// for one that does them, which does no harm.
func anyPaper(html string) bool {
	for _, m := range colourSet.FindAllStringSubmatch(html, -1) {
		value := strings.ToLower(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(m[2]), "!important")))
		switch value {
		case "", "inherit", "initial", "unset", "currentcolor", "transparent":
			continue
		}
		r, g, b, ok := colour(value)
		switch ink := strings.EqualFold(m[1], "color"); {
		case !ok:
			return false
		case ink && (max(r, g, b) > 0x60 || max(r, g, b)-min(r, g, b) > 0x18):
			return false
		case !ink && min(r, g, b) < 0xfa:
			return false
		}
	}
	return true
}

// colour reads the ways in which mail programs write black, white and grey.
func colour(s string) (r, g, b int, ok bool) {
	switch s {
	case "black", "windowtext":
		return 0, 0, 0, true
	case "white", "window":
		return 0xff, 0xff, 0xff, true
	}
	if m := rgb.FindStringSubmatch(s); m != nil {
		r, _ = strconv.Atoi(m[1])
		g, _ = strconv.Atoi(m[2])
		b, _ = strconv.Atoi(m[3])
		return r, g, b, true
	}
	hex, found := strings.CutPrefix(s, "#")
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	n, err := strconv.ParseUint(hex, 16, 32)
	if !found || len(hex) != 6 || err != nil {
		return 0, 0, 0, false
	}
	return int(n >> 16), int(n >> 8 & 0xff), int(n & 0xff), true
}
