package store

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// rowsAtOnce is how many rows one statement inserts at most.
const rowsAtOnce = 8

// several are the statements that insert one row, two, and so on up to rowsAtOnce, made of the one that inserts one.
func several(insert string) (list [rowsAtOnce]string) {
	head, rest, _ := strings.Cut(insert, "VALUES ")
	row, tail, _ := strings.Cut(rest, ")")
	width := strings.Count(row, "$")
	for n := range list {
		values := make([]string, n+1)
		for i := range values {
			values[i] = numbered.ReplaceAllStringFunc(row, func(mark string) string {
				number, _ := strconv.Atoi(mark[1:])
				return "$" + strconv.Itoa(number+i*width)
			}) + ")"
		}
		list[n] = head + "VALUES " + strings.Join(values, ", ") + tail
	}
	return list
}

var numbered = regexp.MustCompile(`\$\d+`)

// insertRows inserts rows, several with each statement. There are so few statements that all stay prepared.
func (tx *Tx) insertRows(statements [rowsAtOnce]string, rows [][]any) error {
	for some := range slices.Chunk(rows, rowsAtOnce) {
		if err := tx.write(statements[len(some)-1], slices.Concat(some...)...); err != nil {
			return err
		}
	}
	return nil
}
