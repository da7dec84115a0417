package view

import "testing"

func TestAnyPaper(t *testing.T) {
	t.Parallel()
	for html, want := range map[string]bool{
		`<p>Hello</p>`: true,
		`<div style="font-family: Aptos; color: rgb(0, 0, 0)">Hello <a href="https://x.example">there</a></div>`: true,
		`<p style="color: windowtext; background: white">Hello</p>`:                                              true,
		`<p style="color: #333">Hello</p><font color="#000000">x</font>`:                                         true,
		`<div style="background-color: #ffffff"><p style="border-color: red">x</p></div>`:                        true,
		`<p style="color: inherit">x</p>`:                                                                        true,
		`<table bgcolor="#eeeeff"><tr><td>x</td></tr></table>`:                                                   false,
		`<p style="color: #1f497d">Hello</p>`:                                                                    false,
		`<p style="color: white">on a picture</p>`:                                                               false,
		`<font color="red">x</font>`:                                                                             false,
		`<div style="background: #000; color: #fff">x</div>`:                                                     false,
		`<p style="color: color-mix(in srgb, red, blue)">x</p>`:                                                  false,
		`<p style="color: rgba(0, 0, 0, 0.1)">faint</p>`:                                                         false,
	} {
		if got := anyPaper(html); got != want {
			t.Errorf("anyPaper(%s) = %v", html, got)
		}
	}
}
