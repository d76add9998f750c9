package portal

import "testing"

func TestCell_IsNeverAFormula(t *testing.T) {
	t.Parallel()
	text := "=1"
	for _, c := range []struct {
		value any
		want  string
	}{
		{-5, "-5"},
		{int64(-5), "-5"},
		{nil, ""},
		{(*string)(nil), ""},
		{"", ""},
		{"Acme; Ltd - a=b", "Acme; Ltd - a=b"},
		{"=1", "'=1"},
		{&text, "'=1"},
		{"+254711082369", "'+254711082369"},
		{"-5", "'-5"},
		{"@SUM(1)", "'@SUM(1)"},
		{"\t=1", "'\t'=1"},
		{"\r=1", "'\r'=1"},
		{"\nx", "'\nx"},
		{"＝1", "'＝1"},
		{"a;=1", "a;'=1"},
		{`a; "=1"`, `a;' "=1"`},
		{"a\r\n=1", "a\r\n'=1"},
		{"a\t＋1;@x", "a\t'＋1;'@x"},
		{"\xff;=", "\xff;'="},
	} {
		if got := cell(c.value); got != c.want {
			t.Errorf("%q becomes %q, want %q", c.value, got, c.want)
		}
	}
}
