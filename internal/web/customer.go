package web

import "postroom/internal/desk"

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
	err = q.site.o.Desk.EditCustomer(q.Context(), q.agent, ref.ID, desk.CustomerEdit{Name: q.field("name"), Language: q.field("language")})
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
