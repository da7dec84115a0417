package react

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/email"
	"postroom/internal/store"
)

// want turns what the agent said into what the desk understands: names become
// agents and tags, files are kept. faults say what cannot be understood.
func (a *answer) want(ctx context.Context, said email.Answer) (want desk.ByMail, faults []string, err error) {
	want = desk.ByMail{Status: said.Status()}
	for _, c := range said.Commands {
		switch c.Verb {
		case email.CommandAssign:
			id, fault, err := a.assignee(ctx, c.Values[0].Text)
			if err != nil {
				return want, nil, err
			}
			if fault != "" {
				faults = append(faults, fault)
			}
			want.Assignee = &id
		case email.CommandTeam:
			id, fault, err := a.team(ctx, c.Values[0].Text)
			if err != nil {
				return want, nil, err
			}
			if fault != "" {
				faults = append(faults, fault)
			}
			want.Team = &id
		case email.CommandTag:
			names, fault, err := a.tags(ctx, c.Values)
			if err != nil {
				return want, nil, err
			}
			if fault != "" {
				faults = append(faults, fault)
			}
			want.Tags = append(want.Tags, names...)
		case email.CommandRun:
			w, fault, err := a.startable(ctx, c.Values[0].Text)
			if err != nil {
				return want, nil, err
			}
			if fault != "" {
				faults = append(faults, fault)
			}
			want.Run = append(want.Run, w)
		}
	}
	if len(faults) > 0 {
		return want, faults, nil
	}
	if want.HTML, want.Files, err = a.content(ctx, said); err != nil {
		return want, nil, err
	}
	written := strings.TrimSpace(said.Text) != "" || !email.IsBlankHTML(want.HTML)
	sends := written || len(want.Files) > 0
	switch {
	case said.Note() && !sends:
		faults = append(faults, "@note stands without a text to keep.")
	case said.Note():
		want.Kind = postroom.Note
	case sends:
		want.Kind = postroom.Reply
	case len(said.Commands) == 0:
		faults = append(faults, "There is nothing in it but what looks like a signature.")
	}
	return want, faults, nil
}

// assignee finds the agent whom a name means, 0 for nobody: by address, whole
// name, first name, or the beginning of one; of these the first that fits
// decides, and it must fit exactly one.
func (a *answer) assignee(ctx context.Context, name string) (id int64, fault string, err error) {
	switch strings.ToLower(name) {
	case "me", "myself":
		return a.agent.ID, "", nil
	case "nobody", "none", "no one", "noone":
		return 0, "", nil
	}
	all, err := a.f.r.Store.Read().Answering(ctx, a.c.MailboxID)
	if err != nil {
		return 0, "", err
	}
	found := namesake(name, all, a.f.agents)
	switch len(found) {
	case 0:
		return 0, "@assign: nobody who answers in this mailbox is called “" + name + "”. Behind @assign stands nothing but a name; your text begins on a line of its own. There are: " + listed(all) + ".", nil
	case 1:
		return found[0].ID, "", nil
	}
	return 0, "@assign: “" + name + "” may mean several: " + listed(found) + ". Write the whole name or the address.", nil
}

// namesake finds those whom a name may mean.
func namesake(name string, all []store.Somebody, agents map[string]int64) []store.Somebody {
	name = strings.ToLower(strings.Join(strings.Fields(name), " "))
	if id := agents[name]; id != 0 {
		return slices.DeleteFunc(slices.Clone(all), func(s store.Somebody) bool { return s.ID != id })
	}
	for _, fits := range []func(full string, email string) bool{
		func(full, _ string) bool { return full == name },
		func(full, email string) bool {
			local, _, _ := strings.Cut(email, "@")
			return slices.Contains(strings.Fields(full), name) || local == name
		},
		func(full, _ string) bool {
			return strings.HasPrefix(full, name) || len(name) >= 3 && strings.Contains(" "+full, " "+name)
		},
	} {
		var found []store.Somebody
		for _, s := range all {
			if fits(strings.ToLower(strings.Join(strings.Fields(s.Name), " ")), postroom.Canonical(s.Email)) {
				found = append(found, s)
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

// listed names agents, at most 20 of them.
func listed(all []store.Somebody) string {
	var out []string
	for i, s := range all {
		if i == 20 {
			out = append(out, "…")
			break
		}
		out = append(out, s.Name+" ("+s.Email+")")
	}
	if len(out) == 0 {
		return "nobody"
	}
	return strings.Join(out, ", ")
}

// tags finds the tags that names behind a command mean. One word, or a name in
// quotes, may become a new tag. Several words without quotes are a tag that
// exists, or several that exist; else they may be the beginning of the text,
// which must not be lost in names.
func (a *answer) tags(ctx context.Context, values []email.CommandValue) (names []string, fault string, err error) {
	var ask []string
	for _, v := range values {
		ask = append(append(ask, v.Text), strings.Fields(v.Text)...)
	}
	known, err := a.f.r.Desk.TagNames(ctx, ask)
	if err != nil {
		return nil, "", err
	}
	for _, v := range values {
		words := strings.Fields(v.Text)
		switch {
		case len(v.Text) > desk.MaxTag:
			return nil, "@tag: “" + plain(v.Text, desk.MaxTag) + "…” is too long for a tag. Your text begins on a line of its own.", nil
		case v.Quoted, len(words) == 1, known[strings.ToLower(v.Text)]:
			names = append(names, v.Text)
		case !slices.ContainsFunc(words, func(w string) bool { return !known[strings.ToLower(w)] }):
			names = append(names, words...)
		default:
			return nil, "@tag: there is no tag “" + v.Text + "”. Write a new tag of several words in quotes, and commas between tags; your text begins on a line of its own.", nil
		}
	}
	return names, "", nil
}

// signaturePart are files that belong to a signature or to the mail as such,
// and that nobody attached on purpose.
var signaturePart = regexp.MustCompile(`(?i)^(smime\.p7s|signature\.asc|.*\.vcf|image\d{3}\.(png|jpe?g|gif)|outlook-[^/]*\.(png|jpe?g|gif)|winmail\.dat)$`)

// content keeps the files of the answer: pictures that its words show, and what
// was attached. Pictures of what was cut off are left out.
func (a *answer) content(ctx context.Context, said email.Answer) (html string, files []postroom.Attachment, err error) {
	m := a.f.mail
	shown := map[string]bool{}
	html = email.SanitiseComposed(said.HTML, email.ComposeOptions{Image: func(src string) (string, bool) {
		x, ok := m.InlineAttachment(src)
		if !ok {
			return "", false
		}
		shown[x.SHA256+contentID(x)] = true
		return "cid:" + contentID(x), true
	}})
	for _, x := range m.Attachments {
		inline := shown[x.SHA256+contentID(x)]
		if !inline && (x.Inline || signaturePart.MatchString(x.Name)) {
			continue
		}
		if len(files) > desk.MaxFiles {
			break // one more than there may be: the desk refuses them
		}
		if !a.f.asked {
			if _, err := a.f.r.Blobs.PutBytes(ctx, x.Data); err != nil {
				return "", nil, err
			}
		}
		file := postroom.Attachment{Name: desk.FileName(x.Name), Type: desk.MediaType(x.Type), Inline: inline, Size: x.Size(), SHA256: x.SHA256}
		if inline {
			file.ContentID = contentID(x)
		}
		files = append(files, file)
	}
	return html, files, nil
}
