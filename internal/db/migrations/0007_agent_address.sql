-- +runs with 1
-- The further addresses an agent writes from, in canonical form; the one they
-- sign in with stays in agent.email. No address is in both, of any agent.
create table agent_address (
	address text primary key,
	agent_id bigint not null references agent(id),
	position integer not null default 0
);
create index agent_address_agent on agent_address(agent_id, position);
