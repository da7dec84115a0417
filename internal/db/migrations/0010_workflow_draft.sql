-- +goose Up
-- +runs with 1

-- What admins are writing: the next version of a workflow, or the first one of
-- a workflow that is not there yet. It is stored as it is typed and judges
-- nothing. A workflow that was never published has a row here and none in
-- workflow, so that whatever reads the published ones knows nothing of it.
create table workflow_draft (
	workflow_id bigint primary key,
	name text not null,
	mailbox_id bigint not null default 0,
	base integer not null default 0,
	definition text not null,
	revision bigint not null,
	author_id bigint not null default 0,
	at bigint not null
);

-- A deleted workflow stays with its versions and runs, which Why? goes on
-- showing by its name.
alter table workflow add column deleted_at bigint not null default 0;
