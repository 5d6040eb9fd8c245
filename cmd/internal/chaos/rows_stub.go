package chaos
func storageRows() []Row { return nil }
func inputRows() []Row { return nil }
func resourceRows() []Row { return nil }
func operatorRows() []Row { return nil }
func mixedRows() []Row { return nil }
func controlRows() []Row { return nil }
