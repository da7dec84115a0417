package web

import (
	"strings"

	"postroom/internal/desk"
	"postroom/internal/web/view"
)

// editCustomer is POST /conversations/{number}/customer: the name and the
// language of its customer.
func editCustomer(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	ref, back, err := q.ref()
	if err != nil {
		return err
	}
	e := desk.CustomerEdit{Name: q.field("name"), Language: q.field("language"), Company: q.field("company")}
	if q.Form.Has("company") {
		e.Fields = map[string]string{}
	}
	for name := range q.Form {
		if path, is := strings.CutPrefix(name, "field."); is && e.Fields != nil {
			e.Fields[path] = q.field(name)
		}
	}
	err = q.site.o.Desk.EditCustomer(q.Context(), q.agent, ref.ID, e)
	return q.told(err, "Saved. It holds for all conversations of this customer.", back)
}

// allowMail is POST /conversations/{number}/customer/allow: automatic mail may
// go to an address again.
func allowMail(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	ref, back, err := q.ref()
	if err != nil {
		return err
	}
	err = q.site.o.Desk.AllowMail(q.Context(), q.agent, ref.ID, q.field("address"))
	return q.told(err, "Workflows may mail this address again.", back)
}

// showGive is GET /conversations/{number}/customer?q=: it asks to whom the
// conversation is given.
func showGive(q *request) error {
	number, err := q.number("number")
	if err != nil {
		return err
	}
	place := q.place("desk")
	p, err := q.site.o.Pages.Give(q.Context(), q.agent, number, q.URL.Query().Get("q"), place)
	if err != nil {
		return err
	}
	p.Back = conversationPath(number, place)
	q.dress(&p.Shell)
	return q.page(view.Give(*p), p)
}

// giveTo is POST /conversations/{number}/customer/give: the conversation is
// another customer's. What is refused leads back to the search.
func giveTo(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	ref, back, err := q.ref()
	if err != nil {
		return err
	}
	to := desk.CustomerChoice{ID: q.id("customer"), Address: q.field("address"), Name: q.field("name")}
	_, err = q.site.o.Desk.GiveTo(q.Context(), q.agent, ref.ID, to, q.path())
	if err != nil && q.field("q") != "" {
		place := placeOfList(q.returnPath(back))
		v := placeValues(place)
		v.Set("q", q.field("q"))
		q.Form.Del("return")
		back += "/customer?" + v.Encode()
	}
	return q.told(err, "", back)
}
