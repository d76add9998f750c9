package operator

import (
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/config"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

// Setting is a setting in effect.
type Setting struct {
	Name    string `json:"name"`
	Env     string `json:"env"`
	Value   string `json:"value"` // as one would write it in a flag
	Default string `json:"default"`
	Help    string `json:"help"`
	Source  string `json:"source"` // where the value comes from: flag, environment, file or default
}

// Settings are the settings of c without those that are secret. A password in the database's URL is left out.
func Settings(c *config.Server) []Setting {
	known := config.Settings()
	v := reflect.ValueOf(*c)
	var list []Setting
	for i := range known {
		if v.Field(i).Type() == reflect.TypeFor[hookswitch.Secret]() {
			continue
		}
		k := known[i]
		list = append(list, Setting{Name: k.Name, Env: k.Env, Value: settingText(v.Field(i)), Default: k.Default, Help: k.Help, Source: c.Source(k.Name)})
	}
	return list
}

// settingText is the text of a setting's value: lists with commas, maps as NAME=VALUE.
func settingText(v reflect.Value) string {
	var parts []string
	if urls, ok := v.Interface().(config.BaseURLs); ok {
		for _, name := range slices.Sorted(maps.Keys(urls)) {
			parts = append(parts, name+"="+urls[name])
		}
		return strings.Join(parts, ",")
	}
	if v.Kind() != reflect.Slice {
		return fmt.Sprint(v)
	}
	for i := range v.Len() {
		parts = append(parts, fmt.Sprint(v.Index(i)))
	}
	return strings.Join(parts, ",")
}

type settingsOut struct {
	Items []Setting `json:"items"`
}

func (h *handler) listSettings(w http.ResponseWriter, _ *http.Request) error {
	return httpapi.Encode(w, http.StatusOK, settingsOut{append([]Setting{}, h.settings...)})
}
