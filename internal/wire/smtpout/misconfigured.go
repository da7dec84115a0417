package smtpout

// Misconfigured returns the fault of a channel whose settings cannot work: no
// connection was tried, and trying again is of no use before they change.
func Misconfigured(err error) *Fault {
	return &Fault{Phase: PhaseConnect, Text: err.Error(), Err: err, stop: true}
}

// NotSignedIn returns the fault of a channel that has nothing to sign in with
// just now: no connection was tried, and it may be tried again.
func NotSignedIn(err error) *Fault {
	return &Fault{Phase: PhaseAuth, Text: err.Error(), Err: err}
}
