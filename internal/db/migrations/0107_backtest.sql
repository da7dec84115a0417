-- +goose Up
-- +runs with 1

-- What a workflow would have done with what happened in the last days. The job
-- of the same id says how far it is. The summary names nobody; the lines are by
-- conversation, so that erasing one reaches them, and are deleted after a month.
create table backtest (
	job_id bigint primary key,
	workflow_id bigint not null,
	name text not null,
	version integer not null,
	days integer not null,
	at bigint not null,
	summary text not null default ''
);
create index backtest_of on backtest(workflow_id, at);

create table backtest_line (
	job_id bigint not null,
	position integer not null,
	conversation_id bigint not null,
	body text not null,
	primary key (job_id, position)
);
create index backtest_line_of on backtest_line(conversation_id);
