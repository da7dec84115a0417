package email

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Fault is what the failure of a delivery says of the address (B5).
type Fault string

// The faults.
const (
	FaultAddress Fault = "address" // nobody can be reached there
	FaultSoft    Fault = "soft"    // full, slow or not explained: it may come right
	FaultPolicy  Fault = "policy"  // it is about this mail, or about us, and says nothing of the address
)

// Fault returns what a failed delivery says of the address, by its enhanced
// status code (RFC 3463 3, RFC 5248). Without one it is soft.
func (r ReportRecipient) Fault() Fault {
	switch s := r.Status; {
	case slices.Contains([]string{"5.1.1", "5.1.2", "5.1.6", "5.1.10", "5.2.1"}, s):
		return FaultAddress
	case strings.HasPrefix(s, "5.7."), strings.HasPrefix(s, "5.6."), s == "5.3.4", s == "5.2.3", s == "5.1.7", s == "5.1.8":
		return FaultPolicy
	}
	return FaultSoft
}

var replyCode = regexp.MustCompile(`^\s*([245]\d\d)\b`)

// Code returns the SMTP code that the server's words begin with, 0 if they
// begin with none.
func (r ReportRecipient) Code() int {
	m := replyCode.FindStringSubmatch(r.Diagnostic)
	if m == nil {
		return 0
	}
	code, _ := strconv.Atoi(m[1])
	return code
}

// Words says in one line why a mail came back: the server's words, or the
// status code where it gives none.
func (r ReportRecipient) Words() string {
	if r.Diagnostic != "" {
		return r.Diagnostic
	}
	return r.Status
}

// Complaint reports whether a feedback report passes on that somebody called a
// mail of ours unwanted. Reports on authentication (RFC 6591) and corrections
// ("not-spam", RFC 6430) do not.
func (r *Report) Complaint() bool {
	switch r.FeedbackType {
	case "auth-failure", "not-spam", "dmarc":
		return false
	}
	return r.Kind == ReportFeedback
}

// FailedRecipients returns the recipients that a delivery report names as
// failed where it has no machine-readable part: those of X-Failed-Recipients,
// which Exim and Gmail write into final failures only; nil if there is none.
func FailedRecipients(m *Mail) []ReportRecipient {
	var out []ReportRecipient
	for _, line := range m.HeaderValues("X-Failed-Recipients") {
		for _, a := range strings.Split(line, ",") {
			if a = cleanAddress(a); a != "" && len(out) < maxReportRecipients {
				out = append(out, ReportRecipient{Address: a, Action: "failed"})
			}
		}
	}
	return out
}
