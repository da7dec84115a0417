package web

import (
	"io"
	"mime/multipart"
	"net/url"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/query"
	"postroom/internal/web/view"
)

// demoShell is the frame around the customer view, for who is signed in.
func (q *request) demoShell() (*query.Shell, error) {
	if q.agent == nil {
		return nil, nil
	}
	s, err := q.shell(q.place("demo"))
	return &s, err
}

// demoCustomers is GET /demo/customers.
func demoCustomers(q *request) error {
	shell, err := q.demoShell()
	if err != nil {
		return err
	}
	rows, err := q.site.o.Demo.Customers(q.Context())
	if err != nil {
		return err
	}
	p := query.DemoCustomersPage{Shell: shell, Rows: rows}
	return q.page(view.DemoCustomers(p), p)
}

// demoMails is GET /demo/customers/{address}.
func demoMails(q *request) error {
	p, err := q.demoPage()
	if err != nil {
		return err
	}
	return q.page(view.DemoMails(*p), p)
}

func (q *request) demoPage() (*query.DemoMailsPage, error) {
	address := postroom.Canonical(q.PathValue("address"))
	shell, err := q.demoShell()
	if err != nil {
		return nil, err
	}
	p := &query.DemoMailsPage{Shell: shell, Now: q.site.o.Pages.Now()}
	if q.agent != nil {
		p.Zone = q.agent.Zone
	}
	if p.Rows, err = q.site.o.Demo.Customers(q.Context()); err != nil {
		return nil, err
	}
	for _, r := range p.Rows {
		if postroom.Canonical(r.Address) == address {
			p.Customer = r
		}
	}
	if p.Customer.Address == "" && q.site.o.Play != nil && strings.Contains(address, "@") {
		p.Customer = query.DemoCustomer{Address: address} // somebody who writes for the first time
	}
	if p.Customer.Address == "" {
		return nil, postroom.Errorf(postroom.NotFound, "Nobody in the demo has this address.")
	}
	if p.Mails, err = q.site.o.Demo.Mails(q.Context(), address); err != nil {
		return nil, err
	}
	p.Mailboxes, err = q.site.o.Demo.Mailboxes(q.Context())
	return p, err
}

// demoHTML is the HTML part of a mail as its customer sees it.
func demoHTML(q *request) error {
	n, err := q.number("n")
	if err != nil {
		return err
	}
	images := q.URL.Query().Get("images") == "1"
	html, err := q.site.o.Demo.HTML(q.Context(), postroom.Canonical(q.PathValue("address")), int(n), images)
	if err != nil {
		return err
	}
	p := query.BodyPage{ID: n, HTML: html, Images: images}
	if q.agent != nil {
		p.Theme = q.agent.Theme
	}
	q.bodyHeaders(images)
	return q.page(view.MessageBody(p), p)
}

// demoPart is a file of a mail as its customer has it.
func demoPart(q *request) error {
	n, err := q.number("n")
	if err != nil {
		return err
	}
	part, err := strconv.Atoi(q.PathValue("part"))
	if err != nil || part < 0 {
		return postroom.Errorf(postroom.NotFound, "There is no such file.")
	}
	f, err := q.site.o.Demo.Part(q.Context(), postroom.Canonical(q.PathValue("address")), int(n), part)
	if err != nil {
		return err
	}
	return q.file(f)
}

// demoAnswer is POST /demo/customers/{address}/answer.
func demoAnswer(q *request) error {
	address := postroom.Canonical(q.PathValue("address"))
	var files []DemoFile
	err := q.stream(func(name string, part *multipart.Part) error {
		b, err := io.ReadAll(io.LimitReader(part, q.site.o.MaxUpload+1))
		if err != nil {
			return err
		}
		if int64(len(b)) > q.site.o.MaxUpload {
			return postroom.InvalidField("file", "%s is larger than %d MB.", part.FileName(), q.site.o.MaxUpload>>20)
		}
		files = append(files, DemoFile{Name: part.FileName(), Type: part.Header.Get("Content-Type"), Content: b})
		return nil
	})
	if err == nil {
		err = q.site.o.Demo.Answer(q.Context(), address, DemoAnswer{Mail: int(q.id("mail")), To: q.field("to"), Subject: q.field("subject"), Text: q.Form.Get("text"), Files: files, Kind: q.field("kind")})
	}
	if wrong := faults(err); wrong != nil {
		p, err := q.demoPage()
		if err != nil {
			return err
		}
		p.Subject, p.Text, p.Errors = q.field("subject"), q.Form.Get("text"), wrong
		return q.html(422, view.DemoMails(*p))
	}
	return q.told(err, "Sent as the customer.", "/demo/customers/"+url.PathEscape(address))
}
