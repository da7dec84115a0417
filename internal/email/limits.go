package email

import "time"

// ParseOptions are the limits of Parse (M7). A zero field takes its default;
// above a limit the mail is kept as far as it was read and a Notice says so.
type ParseOptions struct {
	MaxSize      int   // raw bytes looked at; default 50 MiB
	MaxDepth     int   // nested multiparts; default 20
	MaxParts     int   // parts in all; default 500
	MaxHeader    int   // bytes of one header block; default 256 KiB
	MaxDecoded   int64 // decoded bytes of all parts together; default 100 MiB
	MaxText      int   // bytes of Text and of HTML each; default 4 MiB
	MaxAddresses int   // addresses per header; default 500

	// Received is when the mail came in. A Date more than a day later is not
	// believed (M8). The zero time believes every Date.
	Received time.Time

	// EnvelopeFrom is the sender of the envelope, "" being the null sender. It
	// counts before a Return-Path header. nil means that it is not known, as
	// for mail fetched by IMAP.
	EnvelopeFrom *string
}

func (o ParseOptions) withDefaults() ParseOptions {
	setDefault(&o.MaxSize, 50<<20)
	setDefault(&o.MaxDepth, 20)
	setDefault(&o.MaxParts, 500)
	setDefault(&o.MaxHeader, 256<<10)
	setDefault(&o.MaxDecoded, 100<<20)
	setDefault(&o.MaxText, 4<<20)
	setDefault(&o.MaxAddresses, 500)
	return o
}

func setDefault[N int | int64](n *N, def N) {
	if *n <= 0 {
		*n = def
	}
}
