package outbox

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"postroom"
	"postroom/internal/email"
	"postroom/internal/store"
	"postroom/internal/wire/smtpout"
)

// How alarms are mailed: those of a minute together, one process at a time,
// and again after a while if it failed.
const (
	reportAfter = int64(60 * 1000)
	reportLease = int64(5 * 60 * 1000)
	reportRetry = int64(5 * 60 * 1000)
	keyReport   = "alarms mailed until"
)

// ReportAlarms mails the open alarms that nobody was told of yet, by the
// system's own way, which no mailbox's fault stops (W41). url is where the
// pages are. Nothing is mailed twice but after a death between the server's
// answer and its being noted. A failure is kept in words on the page and in
// the system log, and tried again.
func (o *Outbox) ReportAlarms(ctx context.Context, url string) error {
	way, err := o.Store.Read().SystemMail(ctx)
	if err != nil || way == nil {
		return err
	}
	now := o.Store.Now()
	if way.TriedAt > way.SentAt && now-way.TriedAt < reportRetry {
		return nil
	}
	list, err := o.Store.Read().AlarmsToMail(ctx, now-reportAfter)
	if err != nil || len(list) == 0 {
		return err
	}
	mine, err := o.holdReport(ctx, now)
	if err != nil || !mine {
		return err
	}
	words, sendErr := o.mailAlarms(ctx, way, list, url, "")
	return errors.Join(o.noteReport(ctx, list, words, sendErr), o.freeReport(ctx))
}

// TryReport mails a trial to see whether the way works, and returns the
// server's words.
func (o *Outbox) TryReport(ctx context.Context, by *postroom.Agent, url string) (string, error) {
	if !postroom.Can(by, postroom.Manage, 0) {
		return "", postroom.Errorf(postroom.Forbidden, "Only an admin may do that.")
	}
	way, err := o.Store.Read().SystemMail(ctx)
	if err != nil {
		return "", err
	}
	if way == nil {
		return "", postroom.Errorf(postroom.Conflict, "Enter and save a server first.")
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	words, sendErr := o.mailAlarms(ctx, way, nil, url, by.Name)
	if err := o.noteReport(ctx, nil, words, sendErr); err != nil {
		return "", err
	}
	if sendErr != nil {
		return "", &postroom.Error{Code: postroom.Unavailable, Text: "The trial could not be sent: " + sendErr.Error()}
	}
	return words, nil
}

// holdReport lets one process report at a time, until it says that it is done
// or has been silent for long.
func (o *Outbox) holdReport(ctx context.Context, now int64) (mine bool, err error) {
	was, err := o.Store.Read().Meta(ctx, keyReport)
	if err != nil {
		return false, err
	}
	if until, _ := strconv.ParseInt(was, 10, 64); until > now {
		return false, nil
	}
	err = o.Store.Write(ctx, func(tx *store.Tx) (err error) {
		mine, err = tx.Advance(ctx, keyReport, was, decimal(now+reportLease))
		return err
	})
	return mine, err
}

func (o *Outbox) freeReport(ctx context.Context) error {
	was, err := o.Store.Read().Meta(ctx, keyReport)
	if err != nil {
		return err
	}
	return o.Store.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Advance(ctx, keyReport, was, "0")
		return err
	})
}

// noteReport writes what an attempt came to.
func (o *Outbox) noteReport(ctx context.Context, list []store.Alarm, words string, fault error) error {
	return o.Store.Write(ctx, func(tx *store.Tx) error {
		now := o.Store.Now()
		if fault != nil {
			if err := tx.TriedSystemMail(ctx, fault.Error(), false, now); err != nil {
				return err
			}
			return tx.Log(ctx, store.LogEntry{Level: store.LevelError, Area: store.AreaAlarms, Words: "Alarms could not be mailed: " + fault.Error()})
		}
		for _, a := range list {
			if err := tx.AlarmMailed(ctx, a.ID, now); err != nil {
				return err
			}
		}
		if err := tx.TriedSystemMail(ctx, words, true, now); err != nil {
			return err
		}
		what := "A trial mail was sent: " + words
		if len(list) > 0 {
			what = fmt.Sprintf("Alarms were mailed (%d): %s", len(list), words)
		}
		return tx.Log(ctx, store.LogEntry{Area: store.AreaAlarms, Words: what})
	})
}

// mailAlarms hands one mail over and returns the server's words. A trial
// names who asked for it.
func (o *Outbox) mailAlarms(ctx context.Context, way *store.SystemMail, list []store.Alarm, url, trial string) (string, error) {
	to := way.Recipients
	if len(to) == 0 {
		var err error
		if to, err = o.Store.Read().AdminAddresses(ctx); err != nil {
			return "", err
		}
	}
	if len(to) == 0 {
		return "", errors.New("there is nobody to mail to")
	}
	server, err := o.server(ctx, &postroom.Mailbox{Name: "system", Channel: way.Channel})
	if err != nil {
		return "", err
	}
	id, err := o.Store.NewID(ctx)
	if err != nil {
		return "", err
	}
	_, domain, _ := strings.Cut(way.Sender, "@")
	spec := email.Spec{From: email.Address{Name: "Postroom", Address: way.Sender}, Date: time.UnixMilli(o.Store.Now()).UTC(), Seed: decimal(id),
		MessageID: "alarm." + decimal(id) + "@" + domain, Auto: email.AutoNotified}
	for _, a := range to {
		spec.To = append(spec.To, email.Address{Address: a})
	}
	spec.Subject, spec.Text = alarmText(list, url, trial)
	body, err := email.Build(spec)
	if err != nil {
		return "", err
	}
	conn, fault := smtpout.Dial(ctx, server)
	if fault != nil {
		return "", fault
	}
	defer conn.Close()
	return reportResult(conn.Send(ctx, smtpout.Envelope{From: way.Sender, To: to}, body, smtpout.Hooks{}))
}

// reportResult is what a hand-over came to: accepted for somebody, or the
// fault in words.
func reportResult(r smtpout.Result) (string, error) {
	words := ""
	for _, one := range r.Recipients {
		if one.Outcome == smtpout.Accepted {
			return one.Text, nil
		}
		words = one.Text
	}
	if r.Fault != nil {
		return "", r.Fault
	}
	if words == "" {
		words = "the server took it for nobody"
	}
	return "", errors.New(words)
}

// alarmText puts alarms into a mail.
func alarmText(list []store.Alarm, url, trial string) (subject, text string) {
	var b strings.Builder
	switch {
	case len(list) == 0:
		subject = "Trial: alarms of this desk come here"
		fmt.Fprintf(&b, "%s asked for this trial. When something is wrong with the desk, a mail like this says what, since when, and what to do.\n", trial)
	case len(list) == 1:
		subject = "Alarm: " + firstWords(list[0].Words)
	default:
		subject = fmt.Sprintf("%d alarms: %s", len(list), firstWords(list[0].Words))
	}
	for _, a := range list {
		fmt.Fprintf(&b, "%s\nSince %s. %s\n\n", a.Words, time.UnixMilli(a.SinceAt).UTC().Format("2 January 2006 15:04 UTC"), a.Remedy)
	}
	if strings.HasPrefix(url, "http") {
		fmt.Fprintf(&b, "\n%s/alarms\n", url)
	}
	return subject, b.String()
}

// firstWords is the beginning of an alarm's words, fit for a subject.
func firstWords(words string) string {
	words = strings.Join(strings.Fields(words), " ")
	if r := []rune(words); len(r) > 90 {
		return string(r[:89]) + "…"
	}
	return words
}
