-- +goose Up
-- +runs with 1

-- Which text a message has: 1 is the one it came with. The former ones are in
-- message_text.
alter table message add column version integer not null default 1;

-- The new text of a message that its author is writing and has not saved yet.
-- Its pictures are attachments with its id as their draft.
create table edit_draft (
	id bigint primary key,
	conversation_id bigint not null,
	message_id bigint not null unique,
	agent_id bigint not null,
	body_html text not null default '',
	base integer not null,
	revision bigint not null default 1,
	updated_at bigint not null
);
create index edit_draft_conversation on edit_draft(conversation_id, agent_id);
