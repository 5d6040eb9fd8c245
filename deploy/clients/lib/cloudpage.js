'use strict'
/* global wx */
// A page of our own in the shape of CloudBase's upload guide: several files at once, their
// fileIDs into the order, and URLs when the order is shown. app and db are the SDK's, login
// gives the user, as the guide has them.

/** The page's functions over an SDK. */
function cloudPage({ app, db, login }) {
  const extension = (name) => name.slice(name.lastIndexOf('.') + 1)

  const pickMedia = () => new Promise((resolve, reject) => {
    wx.chooseMedia({ count: 9, mediaType: ['mix'], success: ({ tempFiles }) => resolve(tempFiles), fail: reject })
  })

  async function uploadAll(files) {
    const { customUserId } = await login()
    return Promise.all(files.map(async ({ tempFilePath }) => {
      const name = `${Date.now()}_${Math.random().toString(36).slice(2, 8)}.${extension(tempFilePath)}`
      const { fileID } = await app.uploadFile({ cloudPath: `users/${customUserId}/${name}`, filePath: tempFilePath })
      return fileID
    }))
  }

  const saveOrderImages = (order, images) => db.collection('orders').doc(order).update({ images, updatedAt: db.serverDate() })

  async function resolveImages(fileList) {
    const answer = await app.getTempFileURL({ fileList })
    return answer.fileList.map((file) => file.tempFileURL)
  }

  return { pickMedia, uploadAll, saveOrderImages, resolveImages }
}

module.exports = { cloudPage }
