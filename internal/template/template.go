// Package template is the language of the texts that workflows send: a small
// and safe part of Liquid, checked when saved and escaped when rendered.
//
//	Hello {{ customer.first_name | default: "there" }},
//	{% if agent.name %}{{ agent.name }} has answered{% else %}we have answered{% endif %}.
//
// It is our own, because the Liquid libraries for Go escape nothing, have no
// limit on work or output, and take a misspelt variable for an empty one. Here
// every value is escaped for the place it goes to, a variable that does not
// exist is an error when the template is saved, one that may be empty needs a
// default before it is published, and size, nesting and output are limited.
//
// Understood are {{ variable | filter: "argument" }}, the filters of Filters,
// {% if %} {% elsif %} {% else %} {% endif %}, {% unless %} {% endunless %}
// with ==, !=, contains, and, or, {% comment %} {% endcomment %}, the trimming
// dashes {{- -}} and {%- -%}, and FreeScout's {%customer.firstName,fallback=there%}.
//
// The package is pure: it knows no clock and looks nothing up.
package template

// Mode says what a template makes, and so how values are escaped.
type Mode int8

// The modes.
const (
	Text    Mode = iota // plain text; control characters are taken out of values
	HTML                // values are escaped for text and quoted attributes
	Subject             // one line: every run of white space becomes one space
	JSON                // values are escaped for within the quotes of a JSON text (RFC 8259)
	URL                 // values are percent-encoded (RFC 3986), so that none begins another part of an address
)

// The limits of a template.
const (
	MaxSource  = 64 << 10  // bytes of its text
	MaxNesting = 10        // if within if
	MaxOutput  = 256 << 10 // bytes it may render to
	MaxSubject = 250       // runes of a rendered subject; the rest is cut
	MaxValue   = 2000      // runes of one value; the rest is cut
	MaxTags    = 1000      // tags and variables together
)
