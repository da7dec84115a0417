package view

// ContentSecurityPolicy is the policy of every page of ours: scripts, styles
// and frames from ourselves only, nothing inline, nobody may frame us.
const ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; " +
	"font-src 'self'; connect-src 'self'; frame-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// RatePolicy is the policy of the page on which customers rate: styles of ours,
// its own form, and nothing else. Nothing runs, nobody may frame it.
const RatePolicy = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// BodyPolicy is the policy of the document that shows a mail's own HTML in its
// frame (MessageBody). Nothing in it runs, neither by its own policy nor by
// the frame's sandbox; so it may keep our origin, which lets our page measure
// its height. With images, remote pictures may be fetched by the reader's
// browser (H2).
func BodyPolicy(images bool) string {
	sources := "'self' data:"
	if images {
		sources += " https: http:"
	}
	return "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src " + sources +
		"; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox " + sandbox
}

// sandbox is what a mail's document may do: be measured by us, and open its
// links in tabs of their own that are not sandboxed any more.
const sandbox = "allow-same-origin allow-popups allow-popups-to-escape-sandbox"
