package store

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"strings"
	"sync"

	sqlitedriver "modernc.org/sqlite"
)

// ourSQLite is SQLite with the functions that our statements call besides its own. What is registered stays as long as the process, so that there is one.
var ourSQLite = sync.OnceValue(func() *sqlitedriver.Driver {
	d := new(sqlitedriver.Driver)
	err := d.RegisterFunction("finds", &sqlitedriver.FunctionImpl{NArgs: 3, Deterministic: true, VolatileArgs: true, Scalar: func(_ *sqlitedriver.FunctionContext, args []driver.Value) (driver.Value, error) {
		text, _ := args[0].([]byte)
		folded, _ := args[1].([]byte)
		at, _ := args[2].(int64)
		return findsFolded(text, folded, int(at)), nil
	}})
	if err != nil {
		panic(err) // the name is given twice
	}
	return d
})

// sqliteConnector opens connections with our functions.
type sqliteConnector string

// Connect opens one.
func (dsn sqliteConnector) Connect(context.Context) (driver.Conn, error) {
	return ourSQLite().Open(string(dsn))
}

// Driver is the driver.
func (sqliteConnector) Driver() driver.Driver { return ourSQLite() }

func openSQLiteDB(dsn string) *sql.DB { return sql.OpenDB(sqliteConnector(dsn)) }

// sqliteFinds calls our function: SQLite's own cannot fold bytes without copying them, and compare them one by one.
func sqliteFinds(column, text string, bind func(any) string) string {
	folded := make([]byte, len(text))
	for i := range len(text) {
		folded[i] = lowerByte(text[i])
	}
	return "finds(" + column + ", " + bind(folded) + ", " + bind(int64(rarest(folded))) + ")"
}

// frequent are the bytes of payloads, those that are met most often first.
const frequent = "\"e ati,:nosrlhdmcu_0125-pgf3b4687w9y.v/k{}xz\\jq"

// rarest is the place of the byte of a folded text that is met least often in payloads: what is looked for first.
func rarest(folded []byte) (at int) {
	most := -1
	for i, b := range folded {
		rank := strings.IndexByte(frequent, b)
		if rank < 0 {
			rank = len(frequent)
		}
		if rank > most {
			at, most = i, rank
		}
	}
	return at
}

// findsFolded reports whether the bytes hold the folded text, of which big and small letters of ASCII are alike. at is the place in the text of the byte that is looked for first.
func findsFolded(b, folded []byte, at int) bool {
	if len(folded) == 0 {
		return true
	}
	last := len(b) - len(folded) // where it can begin at the latest
	if last < 0 {
		return false
	}
	small := folded[at]
	big := small
	if 'a' <= small && small <= 'z' {
		big = small - 'a' + 'A'
	}
	places := b[at : at+last+1]
	next := func(of byte, from int) int {
		if i := bytes.IndexByte(places[from:], of); i >= 0 {
			return from + i
		}
		return len(places)
	}
	i, j := next(small, 0), len(places)
	if big != small {
		j = next(big, 0)
	}
	for {
		k := min(i, j)
		if k == len(places) {
			return false
		}
		if equalFolded(b[k:k+len(folded)], folded) {
			return true
		}
		if k == i {
			i = next(small, k+1)
		} else {
			j = next(big, k+1)
		}
	}
}

func equalFolded(b, folded []byte) bool {
	for i, c := range folded {
		if lowerByte(b[i]) != c {
			return false
		}
	}
	return true
}
