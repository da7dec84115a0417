-- +goose Up
-- +runs with 1

-- The kinds of events that workflows which are switched on listen for, kept with
-- each revision of the set. Events of which there are many and for which hardly
-- anybody listens are judged only where their kind stands here.
create table listened_kind (
	kind text primary key
);

-- A mail of a workflow to somebody else than the customer: it waits for no mail
-- of its chain, and none waits for it.
alter table mail add column aside integer not null default 0;

-- To whom an action that takes turns has assigned last.
create table assign_turn (
	workflow_id bigint not null references workflow(id),
	position integer not null,
	agent_id bigint not null,
	primary key (workflow_id, position)
);

-- The language a customer is written to in, as a tag such as "de" or "pt-br":
-- said by an agent (language_set = 1), or by a mail of theirs.
alter table customer add column language text not null default '';
alter table customer add column language_set integer not null default 0;
