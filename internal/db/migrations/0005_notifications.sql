-- +goose Up
-- +runs with 1

-- The agent a notification mail is for; 0 for mail to customers.
alter table mail add column agent_id bigint not null default 0;

-- Events that agents are still to be told of. A row is written when nothing
-- can undo the event any more and goes with what it became.
create table telling (
	event_id bigint primary key,
	conversation_id bigint not null,
	seq bigint not null,
	due_at bigint not null,
	tries integer not null default 0,
	lease bigint not null default 0,
	lease_until bigint not null default 0
);
create index telling_due on telling(due_at);
create index telling_conversation on telling(conversation_id, seq);

-- What an agent was told in the page.
create table notification (
	id bigint primary key,
	agent_id bigint not null references agent(id),
	conversation_id bigint not null,
	event_id bigint not null,
	seq bigint not null,
	kind text not null,
	actor_kind text not null default '',
	actor_id bigint not null default 0,
	message_id bigint not null default 0,
	mail_id bigint not null default 0,
	words text not null default '',
	at bigint not null,
	read_at bigint not null default 0,
	unique (agent_id, event_id)
);
create index notification_agent on notification(agent_id, at, id);
create index notification_unread on notification(agent_id, conversation_id) where read_at = 0;
create index notification_conversation on notification(conversation_id);

-- What an agent wants to be told and how; agent_id 0 says it for those who
-- have not chosen.
create table notification_choice (
	agent_id bigint not null,
	kind text not null,
	in_page integer not null,
	by_mail integer not null,
	primary key (agent_id, kind)
);

-- Mailboxes an agent does not want to hear of unless something is theirs.
create table notification_mute (
	agent_id bigint not null,
	mailbox_id bigint not null,
	primary key (agent_id, mailbox_id)
);
