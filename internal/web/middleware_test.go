package web_test

import (
	"testing"

	"postroom/internal/desktest"
)

// What is no text cannot be looked for: that is no fault of the desk's.
func TestAddressesThatAreNoText(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		c := d.CustomerWrites("Mara <mara@customer.example>", "Lamp", "Broken.")
		ann := o.browser("ann")
		for _, path := range []string{"/palette?q=", conversationPath(c, "/merge?q="), conversationPath(c, "/customer?q=")} {
			ann.get(path+"lamp%C3%A9").want(t, 200, path)
			ann.get(path+"%00").want(t, 404, path+" with NUL")
			ann.get(path+"%ff").want(t, 404, path+" with half a character")
			ann.get(path+"%00&%zz").want(t, 404, path+" with NUL before what cannot be read")
		}
	})
}
