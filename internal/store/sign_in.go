package store

import (
	"context"
	"fmt"

	"postroom"
)

// Authority is an app that was registered with the authority of a provider.
// Empty fields are the provider's own.
type Authority struct {
	Name         string // "microsoft", "google" or "other"
	Title        string // what it is called, of "other"
	Tenant       string // whose accounts, of "microsoft"
	ClientID     string
	ClientSecret string // sealed; "" for an app without one
	AuthorizeURL string
	TokenURL     string
	Scopes       string // separated by blanks
	Servers      string // ends of names of mail servers that may have the tokens, separated by blanks
	ChangedAt    int64
}

// SignIn is a mailbox's sign-in at its provider.
type SignIn struct {
	MailboxID    int64
	Authority    string
	RefreshToken string // sealed
	AccessToken  string // sealed; "" is none
	AccessUntil  int64  // when it ends
	RefreshedAt  int64
	SignedInAt   int64
	SignedInBy   int64 // the agent
	Version      int64 // changes with the tokens
	State        string
	Words        string // the authority's, where something is wrong
	Failures     int    // in a row
	DueAt        int64  // when it is refreshed next
	Lease        int64
	LeaseUntil   int64
}

// The states of a sign-in.
const (
	SignInGood    = "good"
	SignInWaiting = "waiting" // the last refresh failed and is tried again
	SignInRefused = "refused" // somebody must sign in again; see the words
)

// Consent is a consent that was asked for.
type Consent struct {
	State     string // hash
	Session   string // hash
	AgentID   int64
	MailboxID int64
	Authority string
	Verifier  string // sealed
	Redirect  string // the address it comes back to
	Back      string // the page of ours it was asked on
	AskedAt   int64
}

const (
	authorityColumns = `name, title, tenant, client_id, client_secret, authorize_url, token_url, scopes, servers, changed_at`
	qAuthority       = `select ` + authorityColumns + ` from authority where name = $1`
	qAuthorities     = `select ` + authorityColumns + ` from authority order by name`
	qSaveAuthority   = `insert into authority (` + authorityColumns + `) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)
		on conflict (name) do update set title = excluded.title, tenant = excluded.tenant, client_id = excluded.client_id, client_secret = excluded.client_secret,
		authorize_url = excluded.authorize_url, token_url = excluded.token_url, scopes = excluded.scopes, servers = excluded.servers, changed_at = excluded.changed_at`
	qDropAuthority = `delete from authority where name = $1`
)

func scanAuthority(r row) (a Authority, err error) {
	err = r.Scan(&a.Name, &a.Title, &a.Tenant, &a.ClientID, &a.ClientSecret, &a.AuthorizeURL, &a.TokenURL, &a.Scopes, &a.Servers, &a.ChangedAt)
	return a, err
}

// Authority loads the app at an authority; NotFound if none was registered.
func (r Read) Authority(ctx context.Context, name string) (Authority, error) {
	a, err := scanAuthority(r.q.QueryRow(ctx, qAuthority, name))
	return a, missing(err, "No app is registered there.")
}

// Authorities lists the apps.
func (r Read) Authorities(ctx context.Context) ([]Authority, error) {
	var out []Authority
	err := each(ctx, r.q, qAuthorities, nil, func(rows row) error {
		a, err := scanAuthority(rows)
		out = append(out, a)
		return err
	})
	return out, err
}

// SaveAuthority writes an app.
func (t *Tx) SaveAuthority(ctx context.Context, a Authority) error {
	_, err := t.exec(ctx, qSaveAuthority, a.Name, a.Title, a.Tenant, a.ClientID, a.ClientSecret, a.AuthorizeURL, a.TokenURL, a.Scopes, a.Servers, a.ChangedAt)
	return err
}

// DropAuthority forgets an app.
func (t *Tx) DropAuthority(ctx context.Context, name string) error {
	_, err := t.exec(ctx, qDropAuthority, name)
	return err
}

const (
	signInColumns = `mailbox_id, authority, refresh_token, access_token, access_until, refreshed_at, signed_in_at, signed_in_by, version, state, words, failures, due_at, lease, lease_until`
	qSignIn       = `select ` + signInColumns + ` from sign_in where mailbox_id = $1`
	qSignIns      = `select ` + signInColumns + ` from sign_in order by mailbox_id`
	qSaveSignIn   = `insert into sign_in (mailbox_id, authority, refresh_token, access_token, access_until, refreshed_at, signed_in_at, signed_in_by, version, state, due_at)
		values ($1,$2,$3,$4,$5,$6,$7,$8,1,'good',$9)
		on conflict (mailbox_id) do update set authority = excluded.authority, refresh_token = excluded.refresh_token, access_token = excluded.access_token,
		access_until = excluded.access_until, refreshed_at = excluded.refreshed_at, signed_in_at = excluded.signed_in_at, signed_in_by = excluded.signed_in_by,
		version = sign_in.version + 1, state = 'good', words = '', failures = 0, due_at = excluded.due_at, lease = 0, lease_until = 0, owner = 0`
	qDropSignIn    = `delete from sign_in where mailbox_id = $1`
	qDueSignIns    = `select mailbox_id from sign_in where due_at <= $1 and lease_until <= $1 order by due_at, mailbox_id limit $2`
	qNextSignIn    = `select min(case when due_at > lease_until then due_at else lease_until end) from sign_in`
	qHoldSignIn    = `update sign_in set lease = $2, lease_until = $3, owner = $4 where mailbox_id = $1 and lease_until <= $5 and version = $6`
	qRefreshSignIn = `update sign_in set refresh_token = $3, access_token = $4, access_until = $5, refreshed_at = $6, version = version + 1, state = 'good', words = '',
		failures = 0, due_at = $7, lease = 0, lease_until = 0, owner = 0 where mailbox_id = $1 and version = $2`
	qRestSignIn = `update sign_in set state = $4, words = $5, failures = $6, due_at = $7, lease = 0, lease_until = 0, owner = 0 where mailbox_id = $1 and version = $2 and lease = $3`
	qEndSignIns = `update sign_in set refresh_token = '', access_token = '', access_until = 0, version = version + 1, state = 'refused', words = $2, failures = 0, due_at = $3,
		lease = 0, lease_until = 0, owner = 0 where authority = $1`
	qWakeSignIns = `update sign_in set due_at = $2 where authority = $1 and refresh_token <> '' and state <> 'good'`
)

func scanSignIn(r row) (s SignIn, err error) {
	err = r.Scan(&s.MailboxID, &s.Authority, &s.RefreshToken, &s.AccessToken, &s.AccessUntil, &s.RefreshedAt, &s.SignedInAt, &s.SignedInBy, &s.Version,
		&s.State, &s.Words, &s.Failures, &s.DueAt, &s.Lease, &s.LeaseUntil)
	return s, err
}

// SignIn loads a mailbox's sign-in; NotFound if it has none.
func (r Read) SignIn(ctx context.Context, mailbox int64) (SignIn, error) {
	s, err := scanSignIn(r.q.QueryRow(ctx, qSignIn, mailbox))
	return s, missing(err, "This mailbox is not signed in at its provider.")
}

// SignIns lists the sign-ins of all mailboxes.
func (r Read) SignIns(ctx context.Context) ([]SignIn, error) {
	var out []SignIn
	err := each(ctx, r.q, qSignIns, nil, func(rows row) error {
		s, err := scanSignIn(rows)
		out = append(out, s)
		return err
	})
	return out, err
}

// SaveSignIn writes what a consent gave, over what there was. It is good, and
// whoever is refreshing the older one writes no more.
func (t *Tx) SaveSignIn(ctx context.Context, s SignIn) error {
	_, err := t.exec(ctx, qSaveSignIn, s.MailboxID, s.Authority, s.RefreshToken, s.AccessToken, s.AccessUntil, s.RefreshedAt, s.SignedInAt, s.SignedInBy, s.DueAt)
	return err
}

// DropSignIn forgets a mailbox's sign-in.
func (t *Tx) DropSignIn(ctx context.Context, mailbox int64) error {
	_, err := t.exec(ctx, qDropSignIn, mailbox)
	return err
}

// DueSignIns lists the mailboxes whose sign-ins are to be refreshed by a time
// and are not being.
func (r Read) DueSignIns(ctx context.Context, now int64, limit int) ([]int64, error) {
	return r.ids(ctx, qDueSignIns, now, limit)
}

// NextSignIn returns when the next sign-in is due; ok is false if there is none.
func (s *Store) NextSignIn(ctx context.Context) (due int64, ok bool, err error) {
	return s.earliest(ctx, []string{qNextSignIn})
}

// HoldSignIn leases a sign-in of a version for some milliseconds to refresh it,
// and returns the lease; 0 if somebody else has it, or it changed meanwhile.
func (s *Store) HoldSignIn(ctx context.Context, mailbox, version, lease int64) (token int64, err error) {
	owner, err := s.db.Self()
	if err != nil {
		return 0, err
	}
	id, err := s.NewID(ctx)
	if err != nil {
		return 0, err
	}
	err = s.Write(ctx, func(t *Tx) error {
		now := s.Now()
		n, err := t.exec(ctx, qHoldSignIn, mailbox, id, now+lease, owner, now, version)
		if token = 0; n == 1 {
			token = id
		}
		return err
	})
	if err != nil {
		s.doubt(id)
		return 0, fmt.Errorf("hold a sign-in: %w", err)
	}
	return token, nil
}

// RefreshSignIn writes new tokens over those of a version. The lease does not
// matter: who has the newest refresh token in its hands must not lose it for
// having been slow. A version that has passed is a conflict.
func (t *Tx) RefreshSignIn(ctx context.Context, s SignIn) error {
	return t.one(ctx, "refresh a sign-in", qRefreshSignIn, s.MailboxID, s.Version, s.RefreshToken, s.AccessToken, s.AccessUntil, s.RefreshedAt, s.DueAt)
}

// RestSignIn writes that a refresh failed, and when it is tried again. A lease
// that was lost is a conflict.
func (t *Tx) RestSignIn(ctx context.Context, s SignIn) error {
	return t.one(ctx, "rest a sign-in", qRestSignIn, s.MailboxID, s.Version, s.Lease, s.State, s.Words, s.Failures, s.DueAt)
}

// EndSignIns ends all sign-ins at an authority: their tokens are gone.
func (t *Tx) EndSignIns(ctx context.Context, authority, words string, due int64) error {
	_, err := t.exec(ctx, qEndSignIns, authority, words, due)
	return err
}

// WakeSignIns has the sign-ins at an authority that are not good tried again at
// a time.
func (t *Tx) WakeSignIns(ctx context.Context, authority string, at int64) error {
	_, err := t.exec(ctx, qWakeSignIns, authority, at)
	return err
}

const (
	consentColumns  = `state, session, agent_id, mailbox_id, authority, verifier, redirect, back, asked_at`
	qConsent        = `select ` + consentColumns + ` from consent where state = $1`
	qInsertConsent  = `insert into consent (` + consentColumns + `) values ($1,$2,$3,$4,$5,$6,$7,$8,$9)`
	qDropConsent    = `delete from consent where state = $1`
	qForgetConsents = `delete from consent where asked_at < $1`
)

// InsertConsent stores that a consent was asked for.
func (t *Tx) InsertConsent(ctx context.Context, c Consent) error {
	_, err := t.exec(ctx, qInsertConsent, c.State, c.Session, c.AgentID, c.MailboxID, c.Authority, c.Verifier, c.Redirect, c.Back, c.AskedAt)
	return err
}

// TakeConsent loads a consent that was asked for in a session and forgets it:
// it is good once. NotFound if there is none; one of another session stays.
func (t *Tx) TakeConsent(ctx context.Context, state, session string) (c Consent, err error) {
	none := postroom.Errorf(postroom.NotFound, "No such consent was asked for.")
	err = t.q.QueryRow(ctx, qConsent, state).Scan(&c.State, &c.Session, &c.AgentID, &c.MailboxID, &c.Authority, &c.Verifier, &c.Redirect, &c.Back, &c.AskedAt)
	if err != nil {
		return c, missing(err, "No such consent was asked for.")
	}
	if c.Session != session {
		return Consent{}, none
	}
	n, err := t.exec(ctx, qDropConsent, state)
	if err == nil && n == 0 {
		err = none
	}
	return c, err
}

// ForgetConsents removes those that were asked for before a time.
func (t *Tx) ForgetConsents(ctx context.Context, before int64) error {
	_, err := t.exec(ctx, qForgetConsents, before)
	return err
}

const qReviveIncoming = `update incoming set state = 'waiting', state_at = $2, words = '', due_at = $2, connected_at = 0, failures = 0, revision = revision + 1
	where mailbox_id = $1 and enabled = 1 and auth = 'sign-in'` + isOn

// ReviveIncoming has the incoming connection of a mailbox begin anew that signs
// in by its sign-in. One that is switched off stays so.
func (t *Tx) ReviveIncoming(ctx context.Context, mailbox, at int64) error {
	_, err := t.exec(ctx, qReviveIncoming, mailbox, at)
	return err
}
