package email

import "strings"

// safeProperties are the CSS properties that survive in style attributes:
// those that format, none that place, cover, animate or load.
var safeProperties = func() map[string]bool {
	set := map[string]bool{}
	for p := range strings.FieldsSeq(`
		color background-color background
		font font-family font-size font-style font-weight font-variant
		line-height letter-spacing word-spacing text-align text-decoration text-indent text-transform vertical-align
		white-space word-break word-wrap overflow-wrap direction unicode-bidi
		margin margin-top margin-right margin-bottom margin-left
		padding padding-top padding-right padding-bottom padding-left
		border border-top border-right border-bottom border-left border-color border-style border-width
		border-top-color border-top-style border-top-width border-right-color border-right-style border-right-width
		border-bottom-color border-bottom-style border-bottom-width border-left-color border-left-style border-left-width
		border-collapse border-spacing border-radius
		width height max-width max-height min-width min-height
		list-style-type list-style-position display table-layout caption-side empty-cells float clear
		quotes tab-size opacity`) {
		set[p] = true
	}
	return set
}()

// composedProperties are those an agent's editor produces.
var composedProperties = map[string]bool{
	"color": true, "background-color": true, "font-family": true, "font-size": true, "font-weight": true, "font-style": true,
	"text-align": true, "text-decoration": true, "width": true, "height": true, "max-width": true,
	"border": true, "border-collapse": true, "padding": true, "margin-left": true, "padding-left": true, "list-style-type": true,
}

// safeStyle keeps the declarations of a style attribute whose property is
// allowed and whose value can do nothing but format. remote says that one was
// dropped that would have loaded something.
func safeStyle(css string, allowed map[string]bool) (clean string, remote bool) {
	if len(css) > 10000 {
		return "", false
	}
	low := strings.ToLower(css)
	remote = strings.Contains(low, "url(") && strings.Contains(low, "//") || strings.Contains(low, "@import") || strings.Contains(low, "image-set(")
	if strings.Contains(css, "/*") || strings.ContainsAny(css, "\\{}<>@") {
		// Comments and escapes have no place in a style attribute of a mail;
		// they hide what is meant. One good declaration is not worth reading them.
		return "", remote
	}
	var kept []string
	for d := range strings.SplitSeq(css, ";") {
		name, value, ok := strings.Cut(d, ":")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if !ok || value == "" || !allowed[name] || !safeValue(value) || hides(name, value) {
			continue
		}
		kept = append(kept, name+": "+value)
	}
	return strings.Join(kept, "; "), remote
}

// safeValue allows words, numbers, colours, quoted font names and the
// functions of colours.
func safeValue(v string) bool {
	if len(v) > 300 {
		return false
	}
	for i := 0; i < len(v); i++ {
		c := v[i]
		if c < 0x20 || c == 0x7f || strings.IndexByte("\\{}<>@:;", c) >= 0 {
			return false
		}
	}
	low := strings.ToLower(v)
	for {
		i := strings.IndexByte(low, '(')
		if i < 0 {
			return true
		}
		fn := low[:i]
		if j := strings.LastIndexAny(fn, " ,"); j >= 0 {
			fn = fn[j+1:]
		}
		switch fn {
		case "rgb", "rgba", "hsl", "hsla":
		default:
			return false
		}
		low = low[i+1:]
	}
}

// hides is true for display values other than the harmless ones: grid and flex
// can cover nothing outside the frame, but no mail needs them.
func hides(name, value string) bool {
	if name != "display" {
		return false
	}
	switch strings.ToLower(strings.TrimSpace(strings.TrimSuffix(strings.ToLower(value), "!important"))) {
	case "none", "block", "inline", "inline-block", "table", "table-row", "table-cell", "list-item":
		return false
	}
	return true
}
