package payload

import "strings"

// maxPrompt is the longest generated prompt, in tokens.
const maxPrompt = 200_000

var prose = strings.Fields("the city has a long river and many people walk there in the morning when light is low " +
	"they talk about work food music and old friends while trains pass near green hills " +
	"children play next to small houses with open doors and birds sing over warm fields")

// Prompt is about `tokens` tokens of text, the same each time: common English words of one token each, without
// punctuation, so that the tokenizers in use give within a few per cent of it, whatever the model.
func Prompt(tokens int) string {
	var b strings.Builder
	for i := range tokens {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(prose[i%len(prose)])
	}
	return b.String()
}
