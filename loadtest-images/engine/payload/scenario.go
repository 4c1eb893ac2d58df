package payload

import (
	"fmt"
	"strings"

	"gatebench.dev/engine/plan"
)

const gatewayMix = "gateway-mix"

// ScenarioThink is the pause of a user of a built-in scenario, in seconds, unless the plan has a think time.
var ScenarioThink = plan.Range{Min: 0.5, Max: 1}

// What LLM gateways mostly see. MODEL stands for the model, HEALTH for the gateway's readiness path.
var mix = []struct {
	name, api, method, path string
	weight                  int
	stream                  bool
	body                    string
}{
	{name: "chat", weight: 10, api: "OpenAIChat", method: "POST", path: "/v1/chat/completions",
		body: `{"model":"MODEL","messages":[{"role":"system","content":"You answer briefly."},{"role":"user",` +
			`"content":"In two sentences: why do gateways in front of language models add latency, and how is it ` +
			`measured?"}],"max_tokens":128}`},
	{name: "tools", weight: 3, api: "OpenAIChat", method: "POST", path: "/v1/chat/completions",
		body: `{"model":"MODEL","messages":[{"role":"user","content":"What is the weather in Lisbon today, in degrees ` +
			`Celsius?"}],"max_tokens":128,"tool_choice":"auto","tools":[{"type":"function","function":{"name":` +
			`"get_weather","description":"The weather of a city, now.","parameters":{"type":"object","properties":` +
			`{"city":{"type":"string"},"unit":{"type":"string","enum":["celsius","fahrenheit"]}},"required":["city"]}}}]}`},
	{name: "stream", weight: 2, api: "OpenAIChat", method: "POST", path: "/v1/chat/completions", stream: true,
		body: `{"model":"MODEL","messages":[{"role":"user","content":"Tell a short story about a gateway that never ` +
			`slept."}],"max_tokens":128,"stream":true,"stream_options":{"include_usage":true}}`},
	{name: "health", weight: 1, api: "HTTP", method: "GET", path: "HEALTH"},
	{name: "models", weight: 1, api: "HTTP", method: "GET", path: "/v1/models"},
}

func scenario(p *plan.Plan) ([]*Call, error) {
	if p.Scenario != gatewayMix {
		return nil, fmt.Errorf("there is no scenario %q", p.Scenario)
	}
	model := string(escape(nil, p.ScenarioModel))
	calls := make([]*Call, 0, len(mix))
	for _, item := range mix {
		call := &Call{
			Name: item.name, Method: item.method, Path: strings.Replace(item.path, "HEALTH", p.HealthPath, 1),
			Weight: item.weight, Status: 200, Stream: item.stream, CountsTokens: item.api != "HTTP",
		}
		if item.body != "" {
			call.Body = Template{static: []byte(strings.Replace(item.body, "MODEL", model, 1))}
		}
		if err := checkLine(call.Method, call.Path); err != nil {
			return nil, fmt.Errorf("request %s: %w", item.name, err)
		}
		if err := call.setHeaders(headers(item.api, item.body != "", item.stream, nil)); err != nil {
			return nil, fmt.Errorf("request %s: %w", item.name, err)
		}
		calls = append(calls, call)
	}
	return calls, nil
}
