-- +goose Up
-- +runs with 1

-- A team is a group of agents. One that is switched off takes no more
-- conversations and keeps its row, since what happened names it.
create table team (
	id bigint primary key,
	name text not null,
	off_at bigint not null default 0,
	created_at bigint not null
);

create table team_member (
	team_id bigint not null references team(id),
	agent_id bigint not null references agent(id),
	primary key (team_id, agent_id)
);
create index team_member_agent on team_member(agent_id);

-- The team whose conversation it is, beside its assignee; 0 for none. Its open
-- ones are counted in folder_count, in a folder of the team's own.
alter table conversation add column team_id bigint not null default 0;
create index conversation_team on conversation(team_id, folder, updated_at, id) where team_id > 0;
