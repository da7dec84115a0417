-- +goose Up
-- +runs with 1

-- Workflows that run at set times: when next, how far one is that looks at
-- conversations, and what came of it the last time. claim_at is when the row may
-- next be taken: its due time, then the end of the lease of whoever took it.
create table schedule (
	workflow_id bigint primary key,
	version integer not null,
	state text not null default 'waiting',
	due_at bigint not null,
	claim_at bigint not null,
	lease bigint not null default 0,
	owner bigint not null default 0,
	tries integer not null default 0,
	moment bigint not null default 0,
	place bigint not null default 0,
	looked integer not null default 0,
	matched integer not null default 0,
	began_at bigint not null default 0,
	last_moment bigint not null default 0,
	last_ended bigint not null default 0,
	last_looked integer not null default 0,
	last_matched integer not null default 0,
	last_words text not null default ''
);
create index schedule_claim on schedule(claim_at, workflow_id, tries) where state <> 'off';

-- Conversations by their status, for going through those that may be meant.
create index conversation_schedule on conversation(status, id) where deleted_at = 0;
