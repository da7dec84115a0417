-- +goose Up
-- +runs with 1

-- The tests of workflows: given these facts, when this happens, expect that.
-- They belong to the workflow and not to one of its versions, so that versions
-- stay as they were written; also to one that was never published. What came of
-- each the last time the published version was tested stands beside it.
create table workflow_test (
	id bigint primary key,
	workflow_id bigint not null,
	position integer not null,
	name text not null,
	body text not null,
	author_id bigint not null default 0,
	at bigint not null,
	green integer not null default 0,
	result text not null default '',
	version integer not null default 0,
	ran_at bigint not null default 0
);
create index workflow_test_of on workflow_test(workflow_id, position);
