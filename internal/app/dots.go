package app

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// dots remembers which mails came to their final dot, beyond the death of the
// process. The database says durably that a mail's dot is next; between that
// commit and the dot itself lies a moment, and a process that is killed in it
// would leave a mail uncertain that was certainly not sent. A line in a file
// costs no sync and outlives a kill, though not a power cut: what was written
// under another boot of the machine is not believed.
type dots struct {
	mu   sync.Mutex
	file *os.File
	open map[dotKey]bool // of this process: begun and not ended
	left map[dotKey]bool // of a dead process: whether the dot was reached
	size int64
}

type dotKey struct{ mail, lease int64 }

// dotsKept is the size in bytes up to which the file grows before it is
// emptied.
const dotsKept = 64 << 10

// openDots opens the file in a data folder. Where the machine does not say
// which boot this is, nothing is remembered.
func openDots(dir string) (*dots, error) {
	d := &dots{open: map[dotKey]bool{}, left: map[dotKey]bool{}}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return d, nil
	}
	header := strings.TrimSpace(string(boot)) + "\n"
	path := filepath.Join(dir, "dots")
	if !d.load(path, header) {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	if d.file, err = os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600); err != nil {
		return nil, err
	}
	info, err := d.file.Stat()
	if err == nil {
		d.size = info.Size()
	}
	if err == nil && d.size == 0 {
		err = d.write(header)
	}
	if err != nil {
		return nil, errors.Join(err, d.file.Close())
	}
	return d, nil
}

// load reads what a dead process left; false if it is not to be believed.
func (d *dots) load(path, header string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	lines := bufio.NewReader(f)
	if first, err := lines.ReadString('\n'); err != nil || first != header {
		return false
	}
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return true // the last line may be half: it was not acted upon
		}
		var kind string
		var k dotKey
		if _, err := fmt.Sscanf(line, "%s %d %d\n", &kind, &k.mail, &k.lease); err != nil {
			return false
		}
		switch kind {
		case "begin":
			d.left[k] = false
		case "dot":
			d.left[k] = true
		case "end":
			delete(d.left, k)
		}
	}
}

func (d *dots) write(line string) error {
	n, err := d.file.WriteString(line)
	d.size += int64(n)
	return err
}

// note writes a line about a mail. d.mu is held.
func (d *dots) note(kind string, k dotKey) error {
	return d.write(fmt.Sprintf("%s %d %d\n", kind, k.mail, k.lease))
}

// Begin notes that a mail will come to its dot under a lease.
func (d *dots) Begin(mail, lease int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	k := dotKey{mail, lease}
	if d.file == nil || d.note("begin", k) != nil {
		return // without this line nothing is believed of it later
	}
	d.open[k] = true
}

// Reach notes that the dot is written next; on an error it must not be.
func (d *dots) Reach(mail, lease int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	k := dotKey{mail, lease}
	if !d.open[k] {
		return nil
	}
	return d.note("dot", k)
}

// End forgets what was noted of a mail under a lease, because the database
// knows what became of it.
func (d *dots) End(mail, lease int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	k := dotKey{mail, lease}
	_, left := d.left[k]
	if !left && !d.open[k] {
		return
	}
	delete(d.open, k)
	delete(d.left, k)
	if err := d.note("end", k); err == nil && d.size < dotsKept || len(d.open)+len(d.left) > 0 {
		return
	}
	d.restart()
}

// restart empties the file but for its header: nothing in it matters any
// more. d.mu is held.
func (d *dots) restart() {
	name := d.file.Name()
	header, err := os.ReadFile(name)
	if err != nil {
		return
	}
	first, _, _ := strings.Cut(string(header), "\n")
	if d.file.Truncate(0) == nil {
		d.size = 0
		_ = d.write(first + "\n") // without it the next start believes nothing
	}
}

// Unwritten reports that a mail's process died under a lease before it wrote
// the dot.
func (d *dots) Unwritten(mail, lease int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	reached, known := d.left[dotKey{mail, lease}]
	return known && !reached
}

// Close closes the file.
func (d *dots) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.file == nil {
		return nil
	}
	return d.file.Close()
}
