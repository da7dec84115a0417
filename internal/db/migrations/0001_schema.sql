-- +goose Up

-- One text for both engines. Times are milliseconds since 1970, UTC; 0 means
-- never. Yes and no are 1 and 0. Lists that no query looks into are JSON text.

create table agent (
	id bigint primary key,
	name text not null,
	email text not null unique,
	password text not null,
	role text not null,
	zone text not null default '',
	theme text not null default 'system',
	disabled_at bigint not null default 0,
	created_at bigint not null
);

create table session (
	hash text primary key,
	agent_id bigint not null references agent(id),
	created_at bigint not null,
	seen_at bigint not null,
	expires_at bigint not null,
	ip text not null default '',
	browser text not null default ''
);
create index session_agent on session(agent_id);

create table mailbox (
	id bigint primary key,
	name text not null,
	address text not null unique,
	aliases text not null default '[]',
	sender_name text not null default '',
	signature text not null default '',
	undo_ms bigint not null,
	reopen_days integer not null,
	send_anyway integer not null default 0,
	subaddress integer not null default 1,
	separator text not null default '+',
	authserv text not null default '',
	host text not null default '',
	port integer not null default 0,
	security text not null default 'starttls',
	username text not null default '',
	password text not null default '',
	created_at bigint not null
);

create table mailbox_agent (
	mailbox_id bigint not null references mailbox(id),
	agent_id bigint not null references agent(id),
	primary key (mailbox_id, agent_id)
);
create index mailbox_agent_agent on mailbox_agent(agent_id);

-- The state of a mailbox's way out; no row is an open channel.
create table channel (
	mailbox_id bigint primary key references mailbox(id),
	paused_at bigint not null default 0,
	paused_words text not null default '',
	probe_at bigint not null default 0,
	probes integer not null default 0,
	slow_until bigint not null default 0
);

create table customer (
	id bigint primary key,
	name text not null,
	created_at bigint not null
);

create table customer_address (
	address text primary key,
	customer_id bigint not null references customer(id),
	position integer not null default 0,
	suppressed_at bigint not null default 0,
	suppressed_words text not null default ''
);
create index customer_address_customer on customer_address(customer_id, position);

create table tag (
	id bigint primary key,
	name text not null unique,
	color text not null default ''
);

create table conversation (
	id bigint primary key,
	number bigint not null unique,
	mailbox_id bigint not null references mailbox(id),
	customer_id bigint not null references customer(id),
	subject text not null,
	status text not null,
	assignee_id bigint not null default 0,
	folder text not null,
	seq bigint not null default 0,
	received integer not null default 0,
	replies integer not null default 0,
	notes integer not null default 0,
	created_at bigint not null,
	updated_at bigint not null,
	waiting_since bigint not null default 0,
	last_customer_at bigint not null default 0,
	last_agent_at bigint not null default 0,
	last_human_at bigint not null default 0,
	closed_at bigint not null default 0,
	linked_from bigint not null default 0,
	preview text not null default '',
	has_attachments integer not null default 0
);
create index conversation_folder on conversation(folder, updated_at, id);
create index conversation_mailbox on conversation(mailbox_id, folder, updated_at, id);
create index conversation_assignee on conversation(assignee_id, folder, updated_at, id);
create index conversation_waiting on conversation(folder, waiting_since, id) where waiting_since > 0;
create index conversation_mailbox_waiting on conversation(mailbox_id, folder, waiting_since, id) where waiting_since > 0;
create index conversation_customer on conversation(customer_id, updated_at, id);

create table conversation_tag (
	conversation_id bigint not null references conversation(id),
	tag_id bigint not null references tag(id),
	primary key (conversation_id, tag_id)
);
create index conversation_tag_tag on conversation_tag(tag_id, conversation_id);

create table participant (
	conversation_id bigint not null references conversation(id),
	address text not null,
	name text not null default '',
	kind text not null,
	confirmed integer not null default 1,
	primary key (conversation_id, address)
);

-- Kept with each change, reconciled nightly. agent_id is 0 but for "assigned".
create table folder_count (
	mailbox_id bigint not null,
	folder text not null,
	agent_id bigint not null,
	n bigint not null,
	primary key (mailbox_id, folder, agent_id)
);

create table inbound (
	id bigint primary key,
	mailbox_id bigint not null default 0,
	source text not null,
	envelope_from text not null default '',
	envelope_to text not null default '[]',
	remote text not null default '',
	raw_sha256 text not null,
	size bigint not null,
	header_id text not null default '',
	content_hash text not null default '',
	state text not null,
	class text not null default '',
	words text not null default '',
	evidence text not null default '',
	subject text not null default '',
	sender text not null default '',
	conversation_id bigint not null default 0,
	message_id bigint not null default 0,
	tries integer not null default 0,
	due_at bigint not null,
	received_at bigint not null,
	done_at bigint not null default 0
);
create index inbound_waiting on inbound(mailbox_id, id) where state = 'new';
create index inbound_header on inbound(mailbox_id, header_id) where header_id <> '';
create index inbound_received on inbound(received_at, id);

create table message (
	id bigint primary key,
	conversation_id bigint not null references conversation(id),
	seq bigint not null,
	kind text not null,
	author_kind text not null,
	author_id bigint not null,
	from_name text not null default '',
	from_address text not null default '',
	to_list text not null default '[]',
	cc_list text not null default '[]',
	bcc_list text not null default '[]',
	subject text not null default '',
	body_text text not null default '',
	body_html text not null default '',
	visible_text text not null default '',
	visible_html text not null default '',
	header text not null default '',
	reference_list text not null default '[]',
	class text not null default '',
	no_auto text not null default '',
	verified integer not null default 0,
	unconfirmed integer not null default 0,
	undone integer not null default 0,
	inbound_id bigint not null default 0,
	run_id bigint not null default 0,
	at bigint not null,
	date_header bigint not null default 0,
	notices text not null default '[]'
);
create index message_conversation on message(conversation_id, seq);

-- Every Message-ID a conversation knows: of its own messages, and those they
-- cite (cited = 1), so that a parent that arrives late finds its answer.
create table message_ref (
	ref text not null,
	conversation_id bigint not null references conversation(id),
	mailbox_id bigint not null,
	message_id bigint not null,
	cited integer not null,
	primary key (ref, conversation_id)
);

create table draft (
	id bigint primary key,
	conversation_id bigint not null references conversation(id),
	agent_id bigint not null references agent(id),
	kind text not null,
	to_list text not null default '[]',
	cc_list text not null default '[]',
	bcc_list text not null default '[]',
	body_html text not null default '',
	revision bigint not null default 0,
	seen_seq bigint not null default 0,
	updated_at bigint not null,
	unique (conversation_id, agent_id, kind)
);
create index draft_agent on draft(agent_id, updated_at, id);

create table attachment (
	id bigint primary key,
	message_id bigint not null default 0,
	draft_id bigint not null default 0,
	position integer not null default 0,
	name text not null,
	type text not null,
	content_id text not null default '',
	inline integer not null default 0,
	size bigint not null,
	sha256 text not null
);
create index attachment_message on attachment(message_id) where message_id > 0;
create index attachment_draft on attachment(draft_id) where draft_id > 0;

-- One action of one person (or of a workflow) on one conversation.
create table act (
	id bigint primary key,
	conversation_id bigint not null references conversation(id),
	actor_kind text not null,
	actor_id bigint not null,
	path text not null,
	at bigint not null,
	final_at bigint not null,
	job_id bigint not null default 0,
	undone_at bigint not null default 0,
	message_id bigint not null default 0,
	facts_before text not null default ''
);
create index act_job on act(job_id, conversation_id) where job_id > 0;
create index act_conversation on act(conversation_id, id);
create index act_actor on act(actor_id, final_at);

create table event (
	id bigint primary key,
	conversation_id bigint not null references conversation(id),
	seq bigint not null,
	kind text not null,
	version integer not null,
	act_id bigint not null,
	actor_kind text not null,
	actor_id bigint not null,
	path text not null,
	cause_id bigint not null,
	root_id bigint not null,
	root_seq bigint not null,
	depth integer not null,
	payload text not null,
	facts text not null,
	at bigint not null,
	final_at bigint not null,
	state text not null,
	set_revision bigint not null default 0,
	verdicts text not null default '',
	inputs text not null default '',
	words text not null default '',
	tries integer not null default 0,
	unique (conversation_id, seq)
);
create index event_act on event(act_id);
create index event_pending on event(conversation_id, seq) where state = 'pending';
create index event_not_judged on event(id) where state = 'not_judged' and words <> 'imported';

-- A lane is something worked on by one worker at a time: the received mails
-- of a mailbox, the events of a conversation. Its rows are the work.
create table lane (
	kind text not null,
	id bigint not null,
	due_at bigint not null,
	lease bigint not null default 0,
	lease_until bigint not null default 0,
	tries integer not null default 0,
	primary key (kind, id)
);
create index lane_due on lane(kind, due_at);

create table workflow (
	id bigint primary key,
	key text not null unique,
	mailbox_id bigint not null default 0,
	name text not null,
	position integer not null,
	enabled integer not null,
	version integer not null,
	paused_words text not null default '',
	failures integer not null default 0
);

create table workflow_version (
	workflow_id bigint not null references workflow(id),
	number integer not null,
	definition text not null,
	author_id bigint not null default 0,
	at bigint not null,
	primary key (workflow_id, number)
);

-- What was published, switched on and in which order, as of each change.
create table workflow_set (
	revision bigint primary key,
	body text not null,
	author_id bigint not null default 0,
	at bigint not null
);

create table run (
	id bigint primary key,
	workflow_id bigint not null,
	version integer not null,
	event_id bigint not null references event(id),
	event_seq bigint not null,
	root_id bigint not null,
	conversation_id bigint not null references conversation(id),
	state text not null,
	stopped integer not null default 0,
	error text not null default '',
	effects text not null default '[]',
	at bigint not null,
	unique (workflow_id, event_id)
);
create index run_conversation on run(conversation_id, id);
create index run_root on run(root_id, conversation_id);

create table mail (
	id bigint primary key,
	mailbox_id bigint not null references mailbox(id),
	conversation_id bigint not null default 0,
	message_id bigint not null default 0,
	event_id bigint not null default 0,
	seq bigint not null default 0,
	root_id bigint not null default 0,
	root_seq bigint not null default 0,
	run_id bigint not null default 0,
	class integer not null,
	automatic integer not null default 0,
	machine integer not null default 0,
	header text not null unique,
	envelope_from text not null,
	subject text not null,
	spec text not null,
	sha256 text not null default '',
	size bigint not null default 0,
	state text not null,
	ended integer not null default 0,
	words text not null default '',
	phase text not null default '',
	tries integer not null default 0,
	resent integer not null default 0,
	created_at bigint not null,
	due_at bigint not null,
	queued_at bigint not null default 0,
	ended_at bigint not null default 0,
	lease bigint not null default 0,
	lease_until bigint not null default 0
);
create index mail_due on mail(due_at) where ended = 0;
create index mail_open on mail(conversation_id, root_seq, seq) where ended = 0;
create index mail_conversation on mail(conversation_id, id);
create index mail_created on mail(created_at, id);
create index mail_state on mail(state, created_at, id);

create table mail_recipient (
	mail_id bigint not null references mail(id),
	address text not null,
	kind text not null,
	state text not null,
	code integer not null default 0,
	words text not null default '',
	at bigint not null default 0,
	primary key (mail_id, address)
);
create index mail_recipient_address on mail_recipient(address, mail_id);

create table attempt (
	id bigint primary key,
	mail_id bigint not null references mail(id),
	number integer not null,
	cause text not null,
	at bigint not null,
	ended_at bigint not null default 0,
	server text not null default '',
	tls text not null default '',
	phase text not null default '',
	outcome text not null default '',
	code integer not null default 0,
	words text not null default '',
	dialogue text not null default '[]'
);
create index attempt_mail on attempt(mail_id, number);

create table rate_bucket (
	key text not null,
	starts_at bigint not null,
	n bigint not null,
	primary key (key, starts_at)
);
create index rate_bucket_age on rate_bucket(starts_at);

create table alarm (
	id bigint primary key,
	kind text not null,
	subject text not null,
	since_at bigint not null,
	last_at bigint not null,
	n bigint not null default 1,
	words text not null,
	remedy text not null,
	acknowledged_at bigint not null default 0,
	acknowledged_by bigint not null default 0,
	cleared_at bigint not null default 0
);
create unique index alarm_open on alarm(kind, subject) where cleared_at = 0;
create index alarm_since on alarm(since_at, id);

create table job (
	id bigint primary key,
	kind text not null,
	agent_id bigint not null,
	state text not null,
	params text not null,
	total integer not null default 0,
	done integer not null default 0,
	skipped integer not null default 0,
	report text not null default '[]',
	words text not null default '',
	created_at bigint not null,
	ended_at bigint not null default 0,
	final_at bigint not null default 0,
	undone_at bigint not null default 0,
	due_at bigint not null,
	tries integer not null default 0,
	lease bigint not null default 0,
	lease_until bigint not null default 0
);
create index job_due on job(due_at) where state = 'running';
create index job_agent on job(agent_id, id);
