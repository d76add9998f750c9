package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// Page is a part of a list.
type Page[T any] struct {
	Items []T `json:"items"`
	// NextCursor is what List.Cursor has to be for the next part; nil: this was the last.
	NextCursor *string `json:"nextCursor"`
}

// List says which part of a list is wanted. The zero value is the beginning, as much as the server gives by default.
type List struct {
	Limit  int
	Cursor string
}

// operatorList reads a list of the operator's API.
func operatorList[T any](ctx context.Context, c *Client, path string, l List, query url.Values) (Page[T], error) {
	page := Page[T]{Items: []T{}}
	err := c.call(ctx, http.MethodGet, path+l.query(query, "cursor"), nil, &page)
	return page, err
}

// svixList reads a list of the Svix-shaped API.
func svixList[T any](ctx context.Context, c *Client, path string, l List, query url.Values) (Page[T], error) {
	var answer struct {
		Data     []T     `json:"data"`
		Iterator *string `json:"iterator"`
		Done     bool    `json:"done"`
	}
	err := c.call(ctx, http.MethodGet, path+l.query(query, "iterator"), nil, &answer)
	page := Page[T]{Items: append([]T{}, answer.Data...)}
	if !answer.Done {
		page.NextCursor = answer.Iterator
	}
	return page, err
}

// query adds the part that is wanted to query, under the API's name for a cursor, and gives all of it with its question mark.
func (l List) query(query url.Values, cursor string) string {
	if query == nil {
		query = url.Values{}
	}
	if l.Limit > 0 {
		query.Set("limit", strconv.Itoa(l.Limit))
	}
	if l.Cursor != "" {
		query.Set(cursor, l.Cursor)
	}
	if len(query) == 0 {
		return ""
	}
	return "?" + query.Encode()
}

// itemsOf is the query of a list of an app's things, those of one status where it is not empty.
func itemsOf(app, status string) url.Values {
	query := url.Values{"app": {app}}
	if status != "" {
		query.Set("status", status)
	}
	return query
}

// itemPath is the path of a thing of an app's, and of what is done to it.
func itemPath(list, app, id, what string) string {
	return operatorBase + "/" + list + "/" + seg(id) + what + "?" + url.Values{"app": {app}}.Encode()
}
