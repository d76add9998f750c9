package httpapi

import (
	"encoding/json"
	"errors"
	"reflect"
)

// Texts are texts by name, each of which is one: null is not, where encoding/json would read it as "".
type Texts map[string]string

var textsType = reflect.TypeFor[Texts]()

// UnmarshalJSON reads an object of texts; null is none.
func (t *Texts) UnmarshalJSON(b []byte) error {
	var members map[string]*string
	if err := json.Unmarshal(b, &members); err != nil {
		return err
	}
	*t = nil
	if members != nil {
		*t = make(Texts, len(members))
	}
	for name, text := range members {
		if text == nil {
			return errors.New("a text is null") // a diagnosis tells which
		}
		(*t)[name] = *text
	}
	return nil
}
