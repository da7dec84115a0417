package tnef

import "encoding/binary"

// The MAPI properties that are read (MS-OXPROPS).
const (
	propSubject         = 0x0037
	propBody            = 0x1000
	propRTF             = 0x1009
	propHTML            = 0x1013
	propDisplayName     = 0x3001
	propAttachData      = 0x3701
	propAttachName      = 0x3704
	propAttachLongName  = 0x3707
	propAttachType      = 0x370e
	propAttachContentID = 0x3712
)

// The property types of variable length (MS-OXCDATA 2.11.1).
const (
	typeObject  = 0x000d
	typeString8 = 0x001e
	typeUnicode = 0x001f
	typeBinary  = 0x0102
)

// value is the first value of a property.
type value struct {
	kind uint16
	data []byte
}

func (v value) text(c *container) string {
	if v.kind == typeUnicode {
		return decodeUTF16(v.data)
	}
	return c.decode(v.data)
}

// properties calls f for each property of a list that holds bytes or text. It
// stops at the first that makes no sense.
func (r *reader) properties(b []byte, f func(id uint16, v value)) {
	if len(b) < 4 {
		return
	}
	count := binary.LittleEndian.Uint32(b)
	b = b[4:]
	for n := uint32(0); n < count && n < maxPropertyCount && len(b) >= 4; n++ {
		kind, id := binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:])
		b = b[4:]
		if id >= 0x8000 {
			var ok bool
			if b, ok = skipName(b); !ok {
				return
			}
		}
		v, rest, ok := cutValue(b, kind)
		if !ok {
			return
		}
		if v.data != nil {
			f(id, v)
		}
		b = rest
	}
}

// skipName skips the name of a named property.
func skipName(b []byte) ([]byte, bool) {
	if len(b) < 24 {
		return nil, false
	}
	if binary.LittleEndian.Uint32(b[16:]) == 0 {
		return b[24:], true
	}
	n := padded(uint64(binary.LittleEndian.Uint32(b[20:])))
	if n > uint64(len(b)-24) {
		return nil, false
	}
	return b[24+n:], true
}

// cutValue reads the values of a property and returns the first.
func cutValue(b []byte, kind uint16) (value, []byte, bool) {
	multi := kind&0x1000 != 0
	kind &^= 0x1000
	count := uint32(1)
	size := fixedSize(kind)
	if multi || size == 0 {
		if len(b) < 4 {
			return value{}, nil, false
		}
		count = binary.LittleEndian.Uint32(b)
		b = b[4:]
	}
	if size > 0 {
		if n := uint64(count) * uint64(size); n <= uint64(len(b)) {
			return value{}, b[n:], true
		}
		return value{}, nil, false
	}
	if size < 0 {
		return value{}, nil, false
	}
	v := value{kind: kind}
	for i := range count {
		if len(b) < 4 {
			return value{}, nil, false
		}
		n := uint64(binary.LittleEndian.Uint32(b))
		b = b[4:]
		if n > uint64(len(b)) {
			return value{}, nil, false
		}
		if i == 0 {
			v.data = b[:n]
		}
		b = b[min(padded(n), uint64(len(b))):]
	}
	return v, b, true
}

// fixedSize returns the bytes of a value, 0 where each says its own length and
// -1 for an unknown type.
func fixedSize(kind uint16) int {
	switch kind {
	case 0x0002, 0x0003, 0x0004, 0x000a, 0x000b:
		return 4
	case 0x0005, 0x0006, 0x0007, 0x0014, 0x0040:
		return 8
	case 0x0048:
		return 16
	case typeObject, typeString8, typeUnicode, typeBinary:
		return 0
	case 0x0000, 0x0001:
		return 4
	}
	return -1
}

func padded(n uint64) uint64 { return (n + 3) &^ 3 }
