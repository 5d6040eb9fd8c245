// Package orderstest is the suite that every pipeline.OrderStore has to pass. A back end
// gives a Factory; Run does the rest.
package orderstest
