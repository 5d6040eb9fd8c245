package orders_test

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/afterput/afterput/pipeline/orders"
)

func Example() {
	ctx := context.Background()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // one connection, because the database lives in it
	if _, err := db.ExecContext(ctx, "CREATE TABLE `order` (no TEXT PRIMARY KEY, photos TEXT, openid TEXT)"); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := db.ExecContext(ctx, "INSERT INTO `order` VALUES ('A12', NULL, 'oX')"); err != nil {
		fmt.Println(err)
		return
	}

	store, err := orders.NewSQL(db, orders.Options{Table: "order", KeyColumn: "no", ImagesColumn: "photos", OwnerColumn: "openid"})
	if err != nil {
		fmt.Println(err)
		return
	}
	order, err := store.ReadOrder(ctx, "A12")
	if err != nil {
		fmt.Println(err)
		return
	}
	err = store.WriteImages(ctx, order, append(order.Images, "cloud://env.bucket-125/users/oX/1.jpg"))
	fmt.Println(order.Owner, err)

	order, err = store.ReadOrder(ctx, "A12")
	fmt.Println(order.Images, err)
	// Output:
	// oX <nil>
	// [cloud://env.bucket-125/users/oX/1.jpg] <nil>
}
