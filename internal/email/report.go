package email

import (
	"bytes"
	"strings"
)

// ReportKind says what a Report reports on.
type ReportKind string

// The kinds of reports.
const (
	ReportDelivery    ReportKind = "delivery"    // RFC 3464
	ReportFeedback    ReportKind = "feedback"    // RFC 5965
	ReportDisposition ReportKind = "disposition" // RFC 8098: read receipts
)

// Report is the machine-readable half of a multipart/report.
type Report struct {
	Kind               ReportKind
	ReportingMTA       string
	OriginalEnvelopeID string // our ENVID, where the sender's server kept it
	OriginalMessageID  string // of the mail reported on, without brackets
	Recipients         []ReportRecipient
	FeedbackType       string   // "abuse", "not-spam" ..., of a feedback report
	Returned           []Header // headers of the mail reported on, where it came back
}

// ReportRecipient is what a delivery report says about one recipient.
type ReportRecipient struct {
	Address    string // Original-Recipient, else Final-Recipient, without its type
	Action     string // failed, delayed, delivered, relayed, expanded; lower case
	Status     string // RFC 3463, such as "5.1.1"
	Diagnostic string // the server's words, without their type
}

// Permanent reports whether the mail will never reach this recipient.
func (r ReportRecipient) Permanent() bool {
	return r.Action == "failed" || r.Action == "" && strings.HasPrefix(r.Status, "5")
}

// maxReportRecipients bounds the recipients read from one report.
const maxReportRecipients = 200

// reportPart reads the machine-readable part of a report, or the returned
// headers.
func (p *parser) reportPart(mediaType string, data []byte) {
	switch mediaType {
	case "text/rfc822-headers", "message/global-headers":
		h, _, _, _ := splitHeader(data, p.limits.MaxHeader)
		p.returned(h)
	case "message/feedback-report":
		r := p.report(ReportFeedback)
		h, _, _, _ := splitHeader(data, p.limits.MaxHeader)
		r.FeedbackType = strings.ToLower(cleanText(h.get("Feedback-Type")))
		r.ReportingMTA = reportValue(h.get("Reporting-MTA"))
		r.OriginalEnvelopeID = cleanText(h.get("Original-Envelope-Id"))
		for _, f := range h {
			if strings.EqualFold(f.name, "Original-Rcpt-To") && len(r.Recipients) < maxReportRecipients {
				r.Recipients = append(r.Recipients, ReportRecipient{Address: cleanAddress(f.value)})
			}
		}
	case "message/disposition-notification":
		r := p.report(ReportDisposition)
		h, _, _, _ := splitHeader(data, p.limits.MaxHeader)
		if ids := ParseIDs(h.get("Original-Message-ID")); len(ids) > 0 {
			r.OriginalMessageID = ids[0]
		}
		if a := reportValue(h.get("Final-Recipient")); a != "" {
			r.Recipients = append(r.Recipients, ReportRecipient{Address: a, Action: strings.ToLower(cleanText(h.get("Disposition")))})
		}
	default:
		p.deliveryStatus(data)
	}
}

// report returns the Report, making it at the first part that has something
// to say. A delivery report is not demoted by a later part.
func (p *parser) report(kind ReportKind) *Report {
	if p.mail.Report == nil {
		p.mail.Report = &Report{Kind: kind}
	}
	return p.mail.Report
}

// deliveryStatus reads a message/delivery-status: a group of fields about the
// message, then one a recipient (RFC 3464 2.1).
func (p *parser) deliveryStatus(data []byte) {
	r := p.report(ReportDelivery)
	data = bytes.TrimLeft(data, "\r\n")
	for len(data) > 0 && len(r.Recipients) < maxReportRecipients {
		var h header
		h, data, _, _ = splitHeader(data, p.limits.MaxHeader)
		data = bytes.TrimLeft(data, "\r\n \t")
		if len(h) == 0 {
			_, data = cutLine(data) // no fields here: go on with the next line
			continue
		}
		if v := reportValue(h.get("Reporting-MTA")); v != "" {
			r.ReportingMTA = v
		}
		if v := cleanText(h.get("Original-Envelope-Id")); v != "" {
			r.OriginalEnvelopeID = v
		}
		address := reportValue(h.get("Original-Recipient"))
		if address == "" {
			address = reportValue(h.get("Final-Recipient"))
		}
		if address == "" && !h.has("Action") && !h.has("Status") {
			continue
		}
		status, _, _ := strings.Cut(strings.TrimSpace(stripComment(h.get("Status"))), " ")
		r.Recipients = append(r.Recipients, ReportRecipient{
			Address:    address,
			Action:     strings.ToLower(strings.TrimSpace(cleanText(stripComment(h.get("Action"))))),
			Status:     cleanText(status),
			Diagnostic: oneLine(decodeRaw(afterType(h.get("Diagnostic-Code")), "")),
		})
	}
}

// reportValue takes the type off "rfc822; ann@example.com".
func reportValue(v string) string {
	v = strings.TrimSpace(oneLine(decodeRaw(afterType(v), "")))
	if strings.ContainsAny(v, "@<") {
		return cleanAddress(v)
	}
	return v
}

func afterType(v string) string {
	if t, rest, ok := strings.Cut(v, ";"); ok && len(t) < 30 && !strings.ContainsAny(strings.TrimSpace(t), " @") {
		return strings.TrimSpace(rest)
	}
	return strings.TrimSpace(v)
}

// returned takes what identifies the mail reported on.
func (p *parser) returned(h header) {
	if len(p.original) == 0 {
		p.original = h
	}
}

// fillReport completes the Report with the returned headers.
func (p *parser) fillReport() {
	r := p.mail.Report
	if r == nil {
		return
	}
	for _, f := range p.original {
		if len(r.Returned) < 200 {
			r.Returned = append(r.Returned, Header{Name: f.name, Value: oneLine(decodeRaw(f.value, ""))})
		}
	}
	if ids := ParseIDs(p.original.get("Message-ID")); r.OriginalMessageID == "" && len(ids) > 0 {
		r.OriginalMessageID = ids[0]
	}
}
