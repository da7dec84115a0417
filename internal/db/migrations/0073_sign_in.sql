-- +goose Up
-- +runs with 1

-- An app that an admin has registered with the authority of a mail provider,
-- once for all mailboxes that are kept there. Empty addresses, scopes and
-- servers are the provider's own; the secret is sealed.
create table authority (
	name text primary key,
	title text not null default '',
	tenant text not null default '',
	client_id text not null,
	client_secret text not null default '',
	authorize_url text not null default '',
	token_url text not null default '',
	scopes text not null default '',
	servers text not null default '',
	changed_at bigint not null
);

-- A mailbox's sign-in at its provider: what follows from a consent. Both tokens
-- are sealed. version changes with the tokens; whoever refreshes them leases
-- the row first, and writes if the version is the one it began with.
create table sign_in (
	mailbox_id bigint primary key references mailbox(id),
	authority text not null,
	refresh_token text not null,
	access_token text not null default '',
	access_until bigint not null default 0,
	refreshed_at bigint not null,
	signed_in_at bigint not null,
	signed_in_by bigint not null,
	version bigint not null,
	state text not null,
	words text not null default '',
	failures integer not null default 0,
	due_at bigint not null,
	lease bigint not null default 0,
	lease_until bigint not null default 0,
	owner bigint not null default 0
);
create index sign_in_due on sign_in(due_at);

-- A consent that was asked for and has not come back yet. state is the hash of
-- what comes back with it, session that of the browser it was asked in; the
-- verifier is sealed.
create table consent (
	state text primary key,
	session text not null,
	agent_id bigint not null,
	mailbox_id bigint not null references mailbox(id),
	authority text not null,
	verifier text not null,
	redirect text not null,
	back text not null,
	asked_at bigint not null
);
create index consent_asked on consent(asked_at);

-- How a mailbox signs in for sending: with its password, or by its sign-in.
alter table mailbox add column auth text not null default 'password';
