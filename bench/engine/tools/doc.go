// Package tools pins the load generators that the engine is compared with. There is nothing in it:
//
//	go build -o FOLDER tool
package tools
