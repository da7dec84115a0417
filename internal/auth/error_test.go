package auth_test

import (
	"errors"

	"postroom"
)

func asError(err error, e **postroom.Error) bool { return errors.As(err, e) }
